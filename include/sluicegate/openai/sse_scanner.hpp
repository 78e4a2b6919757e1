#pragma once
/// Reads a stream of server-sent events as it passes: where events end, whether the stream is
/// finished, whether it carries an error, its usage, and how much text it held. It changes nothing;
/// it names the bytes that must not reach the client.
///
/// Memory     at most memory_bytes_max, plus 16 bytes for each cut of a call. Up to 64 KiB of an
///            event and 64 KiB of a line are kept. For a longer event an outline is kept, from
///            which its usage is read. Nothing is cut out of a longer event, nor out of an event
///            with more than 64 lines of data or 64 `id:` and `retry:` lines.
/// Line ends  LF, CRLF and CR, also mixed. The result does not depend on how the stream is split.
/// Cost       two searches per line; JSON is read only in events that can matter.
/// Threads    one stream, one owner.
/// Source     WHATWG HTML, 9.2.6; what the OpenAI SDKs accept; docs/streaming.md.

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

/// What to cut: usage that the gateway asked for and the client did not.
struct StreamCuts {
    /// Cut the whole event that has `choices: []`, a usage and nothing else of use to a client.
    /// Azure's first event, with prompt_filter_results, passes. What else stands in it, and in no
    /// event before it (`timings`), passes without the usage and with a choice that adds nothing.
    bool usage_event = false;
    /// Cut a `usage` that is not null, with one comma, out of every other event.
    bool usage_members = false;
    /// The same, but only while choices go on: the client asked for the usage, and gets it at
    /// whatever place the upstream puts it.
    bool progress_members = false;
};

/// Bytes that must not reach the client, counted from the start of the stream.
struct Cut {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::string_view replacement = {};  ///< static text that stands there instead

    friend bool operator==(const Cut&, const Cut&) = default;
};

class SseScanner {
public:
    /// `answers`: how many choices or images were requested. A stream of images is complete with
    /// the last one, and one of choices when each has its finish_reason.
    explicit SseScanner(Endpoint endpoint, StreamCuts wanted = {}, std::int64_t answers = 1);
    ~SseScanner();
    SseScanner(SseScanner&&) noexcept;
    SseScanner& operator=(SseScanner&&) noexcept;

    /// Takes the next bytes of the stream. Returns how many of them belong to complete events: up
    /// to and including the last blank line. The rest belongs to an event that is not complete yet.
    /// If a CRLF was split, its LF counts as part of the event that it ends. What stands behind
    /// the last event (finished()) is taken unread, and belongs to no event.
    [[nodiscard]] std::size_t complete_prefix(std::string_view bytes);

    /// What to leave out of the events that the last call completed, in order and without overlap.
    /// A cut may begin in bytes of earlier calls, but never in an event that was complete then.
    /// These are always cut: the `error:` line of older llama.cpp servers, and what the SDKs fail
    /// on (`id:` and `retry:` lines, events with a name but without data, a byte order mark).
    [[nodiscard]] const std::vector<Cut>& cuts() const noexcept { return cuts_; }
    /// The caller has passed on the beginning of an incomplete event: nothing is cut out of that
    /// event.
    void let_pass() noexcept;
    /// Bytes taken so far.
    [[nodiscard]] std::uint64_t stream_bytes() const noexcept { return stream_bytes_; }

    /// The body has ended. An event whose blank line is missing counts if its data is whole: one
    /// JSON object, or [DONE]. Returns the line ends that are missing then; "" if nothing is.
    [[nodiscard]] std::string_view end_of_stream();

    /// The stream held `data: [DONE]`, with any white space around it. The SDKs want it byte for
    /// byte: in other spellings it is cut, and is_done_cut() says so.
    [[nodiscard]] bool done_seen() const noexcept { return done_seen_; }
    [[nodiscard]] bool is_done_cut() const noexcept { return is_done_cut_; }
    /// The event that has begun is [DONE], and only the end of its line or its blank line is
    /// missing.
    [[nodiscard]] bool ends_with_done() const noexcept;
    /// The stream held an `event: error`, an object with a truthy `error` at the top level or in a
    /// choice, or words in another member that tells errors instead of choices. Its client knows
    /// that the stream failed.
    [[nodiscard]] bool error_seen() const noexcept;
    /// An event carried output: text, a call, a finish_reason, or anything but the beginning of a
    /// response. A role alone is none.
    [[nodiscard]] bool has_output() const noexcept;
    /// Every choice has its finish_reason, as many as were asked for. Usage and [DONE] may follow,
    /// or nothing.
    [[nodiscard]] bool has_all_reasons() const noexcept;
    /// Among the events that the last call completed is one that may tell an error, or a line that
    /// is neither data nor a name. It is false for events that hold only generated text, whatever
    /// text.
    [[nodiscard]] bool may_tell_error() const noexcept { return may_tell_error_; }
    /// The stream held the line `error: {…}` of older llama.cpp servers. The SDKs ignore it.
    [[nodiscard]] bool legacy_error_seen() const noexcept { return !legacy_error_.empty(); }
    /// The value of that line: JSON, as error_in() reads it inside {"error":…}. "" if there was
    /// none.
    [[nodiscard]] std::string_view legacy_error() const noexcept { return legacy_error_; }
    /// Complete events with data, [DONE] included.
    [[nodiscard]] std::int64_t events() const noexcept { return events_; }
    /// The sequence_number of the last complete event that had one; -1 before the first.
    [[nodiscard]] std::int64_t last_sequence_number() const noexcept;
    /// No event is incomplete: the gateway may write an event of its own now.
    [[nodiscard]] bool is_between_events() const noexcept {
        return line_size_ == 0 && !event_begun_;
    }
    /// The last line ended with CR, and this stream uses CRLF: its LF has not come yet.
    [[nodiscard]] bool awaits_line_feed() const noexcept {
        return after_carriage_return_ && has_crlf_;
    }
    /// Streams of its endpoint end with [DONE].
    [[nodiscard]] bool has_done() const noexcept {
        return endpoint_ == Endpoint::chat_completions || endpoint_ == Endpoint::completions;
    }
    /// The stream said that it is complete: [DONE], or the endpoint's last event
    /// (response.completed, response.failed, response.incomplete; transcript.text.done,
    /// speech.audio.done; image_generation.completed, image_edit.completed, one for each image).
    [[nodiscard]] bool finished() const noexcept;

    /// The usage that was reported last. For images it is the sum over the completed images; for
    /// Anthropic's messages it is the input of the first event and the output of the last.
    [[nodiscard]] const std::optional<Usage>& usage() const noexcept;
    /// Number of pieces of generated text: message content, reasoning, arguments of tool calls.
    /// Most servers send one token in each.
    [[nodiscard]] std::int64_t output_deltas() const noexcept;
    /// Bytes of that text in UTF-8.
    [[nodiscard]] std::int64_t output_bytes() const noexcept;
    /// As in AnswerFacts; "" until it is known.
    [[nodiscard]] std::string_view finish_reason() const noexcept;

    /// As in AnswerFacts, from response.created or a later event.
    [[nodiscard]] std::string_view response_id() const noexcept;
    [[nodiscard]] std::string_view conversation_id() const noexcept;

    /// Memory that this object holds now, apart from cuts().
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
    [[nodiscard]] bool is_whole_event() const;
    void cut_from_event(const EventCut& wanted);
    void cut(std::uint64_t begin, std::uint64_t end, std::string_view replacement = {});
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
    bool is_data_line_ = false;  // the line is data; data_ holds what has come
    bool has_data_ = false;
    bool is_long_ = false;  // the event has more data than is kept
    bool event_begun_ = false;
    bool has_legacy_error_ = false;
    bool has_name_ = false;
    bool is_line_cut_ = false;
    bool is_passed_ = false;
    bool is_cut_whole_ = false;
    bool after_carriage_return_ = false;
    bool has_crlf_ = false;  // the line before the last one ended with CRLF
    bool after_blank_line_ = false;
    bool done_seen_ = false;
    bool is_done_cut_ = false;
    bool has_other_line_ = false;  // the event has a comment, or a field that is not known
    bool may_tell_error_ = false;
};

}  // namespace sluicegate::openai
