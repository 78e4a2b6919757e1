#include "sluicegate/base/log.hpp"

#include "sluicegate/base/json_text.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <thread>

namespace sluicegate::log {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warn", "error"};
/// Lines (or access log batches) that may wait for the writing thread.
constexpr std::size_t queue_lines_max = 8192;

std::atomic<Level> threshold{Level::info};
std::shared_ptr<spdlog::details::thread_pool> writer_thread;
std::shared_ptr<spdlog::logger> logger;

void emit(std::string_view line) {
    if (logger) {
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
    auto sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    logger = std::make_shared<spdlog::async_logger>("sluicegate", std::move(sink), writer_thread,
                                                    spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%v");
    logger->flush_on(spdlog::level::info);
}

void stop() {
    // Writes what is queued and joins the thread. After that, no thread uses the logger.
    writer_thread.reset();
    logger.reset();
}

void flush() {
    constexpr std::chrono::milliseconds patience{1000};
    const auto give_up_at = std::chrono::steady_clock::now() + patience;
    const auto writer = writer_thread;
    while (writer && writer->queue_size() > 0 && std::chrono::steady_clock::now() < give_up_at) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    // The last line has left the queue, but its write may not have begun.
    if (writer) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::fflush(stdout);
}

void set_level(Level level) noexcept {
    threshold = level;
}

std::int64_t dropped_count() {
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

std::string format_line(std::int64_t unix_microseconds, Level level, std::string_view event,
                        std::string_view message, std::initializer_list<Field> fields) {
    std::string line = "{\"time\":";
    append_timestamp(line, unix_microseconds);
    line += ",\"level\":\"";
    line += level_names[static_cast<std::size_t>(level)];
    line += "\",\"event\":";
    append_json_string(line, event);
    line += ",\"message\":";
    append_json_string(line, message);
    for (const Field& field : fields) {
        line += ',';
        append_json_string(line, field.name);
        line += ':';
        if (const auto* text = std::get_if<std::string_view>(&field.value)) {
            append_json_string(line, *text);
        } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
            append_decimal(line, *number);
        } else {
            line += std::get<bool>(field.value) ? "true" : "false";
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
