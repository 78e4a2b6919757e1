#include "sluicegate/base/log.hpp"

#include "sluicegate/base/json_text.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
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

void write_line(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
}

/// Writes lines as they are, and counts them. Only the writing thread uses it.
class StdoutSink final : public spdlog::sinks::sink {
public:
    void log(const spdlog::details::log_msg& message) override {
        write_line({message.payload.data(), message.payload.size()});
        written.fetch_add(1, std::memory_order_release);
    }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
};

void emit(std::string_view line) {
    if (logger) {
        submitted.fetch_add(1, std::memory_order_relaxed);
        logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
        return;
    }
    write_line(line);
}

/// In `size` digits, with zeros in front.
char* put_digits(char* to, unsigned value, std::size_t size) noexcept {
    for (std::size_t i = size; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
    return to + size;
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
    using std::chrono::floor;
    const std::chrono::sys_time<std::chrono::microseconds> time{
        std::chrono::microseconds(unix_microseconds)};
    const auto day = floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(floor<std::chrono::milliseconds>(time - day));
    const auto put = [](char* to, auto value, std::size_t size, char behind) {
        to = put_digits(to, static_cast<unsigned>(value), size);
        *to = behind;
        return to + 1;
    };
    std::array<char, 32> text;
    char* to = text.data();
    *to++ = '"';
    to = put(to, int{date.year()}, 4, '-');
    to = put(to, unsigned{date.month()}, 2, '-');
    to = put(to, unsigned{date.day()}, 2, 'T');
    to = put(to, clock.hours().count(), 2, ':');
    to = put(to, clock.minutes().count(), 2, ':');
    to = put(to, clock.seconds().count(), 2, '.');
    to = put(to, clock.subseconds().count(), 3, 'Z');
    *to++ = '"';
    out.append(text.data(), to);
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
