#include "sluicegate/base/log.hpp"

#include "sluicegate/base/json_text.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluicegate::log {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warn", "error"};
/// Lines (or access log batches) that may wait for the writing thread.
constexpr std::size_t queue_lines_max = 8192;

std::atomic<Level> threshold{Level::info};
std::atomic<std::int64_t> submitted{0};
std::atomic<std::int64_t> written{0};
/// Of the pointer alone, which is never held while anything is written.
std::mutex writer_mutex;
std::shared_ptr<spdlog::details::thread_pool> writer_thread;
std::shared_ptr<spdlog::logger> logger;

/// Counts what it has written and flushed.
class StdoutSink final : public spdlog::sinks::stdout_sink_mt {
public:
    void log(const spdlog::details::log_msg& message) override {
        spdlog::sinks::stdout_sink_mt::log(message);
        written.fetch_add(1, std::memory_order_release);
    }
};

void emit(std::string_view line) {
    if (logger) {
        submitted.fetch_add(1, std::memory_order_relaxed);
        logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
        return;
    }
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
}

void append_two_digits(std::string& out, int value) {
    out += static_cast<char>('0' + value / 10 % 10);
    out += static_cast<char>('0' + value % 10);
}

}  // namespace

std::optional<Level> level_from(std::string_view name) noexcept {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] == name) return static_cast<Level>(i);
    }
    return std::nullopt;
}

void start(Level level) {
    threshold = level;
    writer_thread = std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1U);
    submitted = 0;
    written = 0;
    auto sink = std::make_shared<StdoutSink>();
    logger = std::make_shared<spdlog::async_logger>("sluicegate", std::move(sink), writer_thread,
                                                    spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%v");
    logger->flush_on(spdlog::level::info);
}

bool stop(std::chrono::milliseconds patience) {
    flush(patience);
    if (unwritten_count() > 0) return false;
    std::shared_ptr<spdlog::details::thread_pool> ended;
    {
        const std::scoped_lock lock(writer_mutex);
        ended = std::move(writer_thread);
    }
    ended.reset();  // joins the thread; after that, no thread uses the logger
    logger.reset();
    return true;
}

void flush(std::chrono::milliseconds patience) {
    const auto give_up_at = std::chrono::steady_clock::now() + patience;
    while (unwritten_count() > 0 && std::chrono::steady_clock::now() < give_up_at) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

std::int64_t unwritten_count() noexcept {
    const std::scoped_lock lock(writer_mutex);
    if (!writer_thread) return 0;
    const auto dropped = static_cast<std::int64_t>(writer_thread->overrun_counter());
    return submitted.load(std::memory_order_relaxed) - written.load(std::memory_order_acquire) -
           dropped;
}

void write_last_words(std::string line) noexcept {
    constexpr std::chrono::milliseconds patience{200};
    try {
        line += '\n';
        auto is_written = std::make_shared<std::promise<void>>();
        auto ended = is_written->get_future();
        // The thread that may wait for the reader is not the one that ends the process.
        std::thread([line = std::move(line), is_written = std::move(is_written)] {
            std::string_view rest = line;
            while (!rest.empty()) {
                const ssize_t size = ::write(STDERR_FILENO, rest.data(), rest.size());
                if (size < 0 && errno != EINTR) break;
                if (size > 0) rest.remove_prefix(static_cast<std::size_t>(size));
            }
            is_written->set_value();
        }).detach();
        ended.wait_for(patience);
    } catch (const std::exception&) {
        // Neither memory nor a thread: what matters is the end.
    }
}

void set_level(Level level) noexcept {
    threshold = level;
}

std::int64_t dropped_count() {
    const std::scoped_lock lock(writer_mutex);
    return writer_thread ? static_cast<std::int64_t>(writer_thread->overrun_counter()) : 0;
}

void append_timestamp(std::string& out, std::int64_t unix_microseconds) {
    const std::int64_t milliseconds = unix_microseconds / 1000;
    const std::time_t seconds = milliseconds / 1000;
    const int fraction = static_cast<int>(milliseconds % 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    out += '"';
    append_decimal(out, utc.tm_year + 1900);
    out += '-';
    append_two_digits(out, utc.tm_mon + 1);
    out += '-';
    append_two_digits(out, utc.tm_mday);
    out += 'T';
    append_two_digits(out, utc.tm_hour);
    out += ':';
    append_two_digits(out, utc.tm_min);
    out += ':';
    append_two_digits(out, utc.tm_sec);
    out += '.';
    out += static_cast<char>('0' + fraction / 100);
    append_two_digits(out, fraction);
    out += "Z\"";
}

void append_beginning(std::string& out, std::int64_t unix_microseconds, Level level,
                      std::string_view event) {
    out += "{\"time\":";
    append_timestamp(out, unix_microseconds);
    out += ",\"level\":\"";
    out += level_names[static_cast<std::size_t>(level)];
    out += "\",\"event\":\"";
    out += event;
    out += '"';
}

std::string format_line(std::int64_t unix_microseconds, Level level, std::string_view event,
                        std::string_view message, std::initializer_list<Field> fields) {
    std::string line;
    append_beginning(line, unix_microseconds, level, event);
    append_json_member(line, "message", message);
    for (const Field& field : fields) {
        if (const auto* text = std::get_if<std::string_view>(&field.value)) {
            append_json_member(line, field.name, *text);
        } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
            append_json_member(line, field.name, *number);
        } else {
            line += ",\"";
            line += field.name;
            line += std::get<bool>(field.value) ? "\":true" : "\":false";
        }
    }
    line += '}';
    return line;
}

void write(Level level, std::string_view event, std::string_view message,
           std::initializer_list<Field> fields) {
    if (level < threshold.load(std::memory_order_relaxed)) return;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    emit(format_line(micros, level, event, message, fields));
}

void write_lines(std::string_view lines) {
    if (!lines.empty()) emit(lines);
}

}  // namespace sluicegate::log
