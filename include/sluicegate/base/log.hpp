#pragma once
/// Log lines: one JSON object per line on standard output, written by a separate thread.
///
/// Threads   any. A caller never waits for the terminal or disk. When the queue is full, the oldest
///           lines are dropped and counted.
/// Contents  never a key, a hash, an Authorization header or a prompt: callers pass names and ids.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace sluicegate::log {

enum class Level : std::uint8_t { debug, info, warn, error };

[[nodiscard]] std::optional<Level> level_from(std::string_view name) noexcept;

struct Field {
    std::string_view name;
    std::variant<std::string_view, std::int64_t, bool> value;

    Field(std::string_view n, std::string_view v) : name(n), value(v) {}
    Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
    Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
    Field(std::string_view n, bool v) : name(n), value(v) {}
    template <class Integer>
        requires std::is_integral_v<Integer>
    Field(std::string_view n, Integer v) : name(n), value(static_cast<std::int64_t>(v)) {}
};

/// Starts the writing thread. Before start() and after stop() lines are written synchronously.
void start(Level level);
/// Waits until what is queued has been written, then ends the thread. False: that took longer than
/// `patience`, because the reader of the log has stalled. The thread then stays where it is, and
/// the process must end by std::_Exit(): exit() would wait for the same reader.
[[nodiscard]] bool stop(std::chrono::milliseconds patience);
/// Waits until what is queued has been written, `patience` at most. For a process that ends without
/// stop().
void flush(std::chrono::milliseconds patience);
/// Entries that are queued or being written.
[[nodiscard]] std::int64_t unwritten_count() noexcept;
/// Writes a line on standard error, for a process that ends: it waits 200 ms at most, so that a
/// reader that has stalled does not keep it.
void write_last_words(std::string line) noexcept;
void set_level(Level level) noexcept;

/// Lines (a batch of write_lines() counts as one) dropped since start() because the queue was full.
[[nodiscard]] std::int64_t dropped_count();

/// `{"time":…,"level":…,"event":EVENT,"message":MESSAGE,FIELDS…}`
void write(Level level, std::string_view event, std::string_view message,
           std::initializer_list<Field> fields = {});
/// Whole lines that a worker has already formatted (its access log), without the last newline.
void write_lines(std::string_view lines);

inline void info(std::string_view event, std::string_view message,
                 std::initializer_list<Field> fields = {}) {
    write(Level::info, event, message, fields);
}
inline void warn(std::string_view event, std::string_view message,
                 std::initializer_list<Field> fields = {}) {
    write(Level::warn, event, message, fields);
}
inline void error(std::string_view event, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
    write(Level::error, event, message, fields);
}

/// `"2026-11-21T20:45:23.123Z"` with its quotes; microseconds since the epoch come in.
void append_timestamp(std::string& out, std::int64_t unix_microseconds);
/// `{"time":…,"level":…,"event":EVENT`, the beginning of a line. `event` needs no escape.
void append_beginning(std::string& out, std::int64_t unix_microseconds, Level level,
                      std::string_view event);
/// The line of write(), without the newline. For tests.
[[nodiscard]] std::string format_line(std::int64_t unix_microseconds, Level level,
                                      std::string_view event, std::string_view message,
                                      std::initializer_list<Field> fields);

}  // namespace sluicegate::log
