#pragma once
/// Watches a stream of server-sent events go by: where events end, whether the stream is finished,
/// whether it carries an error. Changes nothing and holds at most 64 KiB of one event and 64 KiB of
/// one line; a longer event is judged by its start.
///
/// Line ends  LF, CRLF and CR, mixed, in any split: feeding pieces equals feeding the whole.
/// Cost       two searches per line; JSON is looked into only where an event can matter.
/// Threads    one stream, one owner.
/// Source     WHATWG HTML, 9.2.6; what the OpenAI SDKs accept.

#include "sluicegate/openai/endpoints.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::openai {

class SseScanner {
public:
    /// Takes the next bytes of the stream. Returns how many of them, from the start, complete
    /// events: up to and including the last blank line. The rest belongs to an event that is not
    /// complete yet. The LF of a CRLF that was cut in two counts as part of the event it ends.
    [[nodiscard]] std::size_t complete_prefix(std::string_view bytes);

    /// `data: [DONE]` went by, byte for byte.
    [[nodiscard]] bool done_seen() const noexcept { return done_seen_; }
    /// An `event: error`, or an object with a truthy top-level `error` or with type "error", went
    /// by: a client has been told that the stream failed.
    [[nodiscard]] bool error_seen() const noexcept { return error_seen_; }
    /// The line `error: {…}` of older llama.cpp servers went by. No SDK takes notice of it.
    [[nodiscard]] bool legacy_error_seen() const noexcept { return legacy_error_seen_; }
    /// Of the last complete event that had one; -1 before the first.
    [[nodiscard]] std::int64_t last_sequence_number() const noexcept {
        return last_sequence_number_;
    }
    /// No event is half received: an own event may be written now.
    [[nodiscard]] bool is_between_events() const noexcept {
        return line_size_ == 0 && !event_begun_;
    }
    /// The stream said itself that it is complete: [DONE], or the endpoint's last event
    /// (response.completed, response.failed, response.incomplete; transcript.text.done,
    /// speech.audio.done; image_generation.completed, image_edit.completed).
    [[nodiscard]] bool finished(Endpoint endpoint) const noexcept;

private:
    enum class Name : std::uint8_t { none, error, terminal, other };

    static Name name_from(std::string_view text) noexcept;
    void add_to_line(std::string_view bytes);
    void end_line(std::string_view line);
    void end_event();
    void take_data(std::string_view data);

    std::string line_;  // the start of a line whose end has not come yet
    std::size_t line_size_ = 0;
    std::string data_;  // the data of the current event, lines joined by LF
    Name name_ = Name::none;
    bool has_data_ = false;
    bool event_begun_ = false;
    bool after_carriage_return_ = false;
    bool after_blank_line_ = false;
    bool done_seen_ = false;
    bool error_seen_ = false;
    bool legacy_error_seen_ = false;
    bool terminal_seen_ = false;
    std::int64_t last_sequence_number_ = -1;
};

}  // namespace sluicegate::openai
