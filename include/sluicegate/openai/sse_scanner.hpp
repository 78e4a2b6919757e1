#pragma once
/// Watches a stream of server-sent events go by: where events end, whether the stream is finished,
/// whether it carries an error, what it says about usage and how much text went by. Changes
/// nothing, but names the bytes that are not for the client.
///
/// Memory     at most 64 KiB of one event and 64 KiB of one line. Of a longer event the outline is
///            kept, so that its usage is read all the same; nothing is cut out of it. Nothing is
///            cut out of an event with more than 64 lines of data or 64 `id:` and `retry:` lines
///            either. Whatever is sent: memory_bytes_max, and 16 bytes for each cut of a call.
/// Line ends  LF, CRLF and CR, mixed, in any split: feeding pieces equals feeding the whole.
/// Cost       two searches per line; JSON is looked into only where an event can matter.
/// Threads    one stream, one owner.
/// Source     WHATWG HTML, 9.2.6; what the OpenAI SDKs accept; API_CONTRACT 3 for usage.

#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/usage.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {

struct EventCut;

/// What the gateway has asked the upstream for and the client has not.
struct StreamCuts {
    /// The event with `choices: []` and a usage, and with nothing else that a client could want, is
    /// cut whole. (Azure's first event, with prompt_filter_results, passes.)
    bool usage_event = false;
    /// A `usage` that is not null is cut out of every other event, with one comma; never out of the
    /// event that holds nothing else.
    bool usage_members = false;
};

/// Bytes that must not reach the client, counted from the start of the stream.
struct Cut {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    friend bool operator==(const Cut&, const Cut&) = default;
};

class SseScanner {
public:
    /// `images`: how many were asked for; a stream of them is complete with the last one.
    explicit SseScanner(Endpoint endpoint, StreamCuts wanted = {}, std::int64_t images = 1);
    ~SseScanner();
    SseScanner(SseScanner&&) noexcept;
    SseScanner& operator=(SseScanner&&) noexcept;

    /// Takes the next bytes of the stream. Returns how many of them, from the start, complete
    /// events: up to and including the last blank line. The rest belongs to an event that is not
    /// complete yet. The LF of a CRLF that was cut in two counts as part of the event it ends.
    [[nodiscard]] std::size_t complete_prefix(std::string_view bytes);

    /// What to leave out of the events that the last call completed; in order, apart from each
    /// other. A cut may begin in bytes of earlier calls, but never before the end of the events
    /// that were complete then. Always cut: the `error:` line of older llama.cpp servers, and what
    /// the SDKs fail on, `id:` and `retry:` lines and events with a name but without data.
    [[nodiscard]] const std::vector<Cut>& cuts() const noexcept { return cuts_; }
    /// The bytes of the event that is not complete have been passed on: none of it can be cut now.
    void let_pass() noexcept;
    /// Bytes taken so far.
    [[nodiscard]] std::uint64_t stream_bytes() const noexcept { return stream_bytes_; }

    /// `data: [DONE]` went by, byte for byte.
    [[nodiscard]] bool done_seen() const noexcept { return done_seen_; }
    /// An `event: error`, or an object with a truthy top-level `error` or with type "error", went
    /// by: a client has been told that the stream failed.
    [[nodiscard]] bool error_seen() const noexcept;
    /// The line `error: {…}` of older llama.cpp servers went by. No SDK takes notice of it.
    [[nodiscard]] bool legacy_error_seen() const noexcept { return !legacy_error_.empty(); }
    /// What stood on that line: JSON, as error_in() reads it inside {"error":…}; "" for none.
    [[nodiscard]] std::string_view legacy_error() const noexcept { return legacy_error_; }
    /// Complete events with data, [DONE] included.
    [[nodiscard]] std::int64_t events() const noexcept { return events_; }
    /// Of the last complete event that had one; -1 before the first.
    [[nodiscard]] std::int64_t last_sequence_number() const noexcept;
    /// No event is half received: an own event may be written now.
    [[nodiscard]] bool is_between_events() const noexcept {
        return line_size_ == 0 && !event_begun_;
    }
    /// The last line ended with CR, and the stream's lines end with CRLF: an LF belongs to it
    /// still.
    [[nodiscard]] bool awaits_line_feed() const noexcept {
        return after_carriage_return_ && has_crlf_;
    }
    /// The stream said itself that it is complete: [DONE], or the endpoint's last event
    /// (response.completed, response.failed, response.incomplete; transcript.text.done,
    /// speech.audio.done; image_generation.completed, image_edit.completed, one for each image).
    [[nodiscard]] bool finished() const noexcept;

    /// The last that was reported; of images, the sum of the completed ones; of Anthropic's
    /// messages, the first event's input with the last event's output.
    [[nodiscard]] const std::optional<Usage>& usage() const noexcept;
    /// Pieces of generated text that went by: message content, reasoning, arguments of tool calls.
    /// Most servers send one token in each.
    [[nodiscard]] std::int64_t output_deltas() const noexcept;
    /// Bytes of that text in UTF-8.
    [[nodiscard]] std::int64_t output_bytes() const noexcept;
    /// As in AnswerFacts; "" until it is known.
    [[nodiscard]] std::string_view finish_reason() const noexcept;

    /// Memory behind this object now, without that of cuts().
    [[nodiscard]] std::size_t memory_bytes() const noexcept;
    static constexpr std::size_t memory_bytes_max = 512 * 1024;

private:
    struct Reading;

    /// Where a line of data_ came from.
    struct Segment {
        std::size_t data_offset = 0;
        std::uint64_t stream_offset = 0;
    };

    void begin_line(std::uint64_t offset);
    void add_to_line(std::string_view bytes);
    void give_up_cuts() noexcept;
    void cut_lines();
    void end_line(std::string_view line);
    void begin_data(std::uint64_t offset);
    void add_to_data(std::string_view bytes);
    void end_event();
    void cut_from_event(const EventCut& wanted);
    void cut(std::uint64_t begin, std::uint64_t end);
    [[nodiscard]] std::uint64_t stream_offset(std::size_t data_offset) const noexcept;

    Endpoint endpoint_;
    std::int64_t terminals_needed_;
    std::unique_ptr<Reading> reading_;
    std::string line_;  // the start of a line whose end has not come yet
    std::size_t line_size_ = 0;
    std::uint64_t line_offset_ = 0;
    std::string data_;  // the data of the current event, lines joined by LF
    std::vector<Segment> segments_;
    std::vector<Cut> cuts_;
    std::vector<Cut> line_cuts_;  // of the current event
    std::string legacy_error_;
    std::uint64_t stream_bytes_ = 0;
    std::uint64_t event_offset_ = 0;
    std::int64_t events_ = 0;
    bool is_data_line_ = false;  // the line is data, and data_ has what came of it
    bool has_data_ = false;
    bool is_long_ = false;  // the event has more data than is kept
    bool event_begun_ = false;
    bool has_legacy_error_ = false;
    bool has_name_ = false;
    bool is_line_cut_ = false;
    bool is_passed_ = false;
    bool is_cut_whole_ = false;
    bool after_carriage_return_ = false;
    bool has_crlf_ = false;  // the last line end but one was CRLF
    bool after_blank_line_ = false;
    bool done_seen_ = false;
};

}  // namespace sluicegate::openai
