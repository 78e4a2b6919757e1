#pragma once
/// Reads the events of one stream: text, usage, errors, the end. JSON is scanned only in events
/// that can matter. Plain pieces of text are found by searches; in a run of events that differ only
/// in their text, bytes are compared.
///
/// Threads  one stream, one owner.

#include "sluicegate/openai/sse_scanner.hpp"

#include "openai/delta_shape.hpp"
#include "openai/delta_text.hpp"
#include "openai/top_level.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// The value of an event's `event` field.
enum class EventName : std::uint8_t { none, error, terminal, other };
[[nodiscard]] EventName event_name_from(std::string_view text) noexcept;
/// A name as the API has them; any other may tell something else.
[[nodiscard]] bool is_usual_event_name(std::string_view text) noexcept;

/// The part of an event that must not reach the client.
struct EventCut {
    bool is_whole = false;
    ByteRange part;  ///< of its data, if not whole; usually empty
};

class EventInterpreter {
public:
    EventInterpreter(Endpoint endpoint, StreamCuts wanted) noexcept
        : endpoint_(endpoint), wanted_(wanted) {}

    /// Reads one complete event. Its data is not [DONE].
    [[nodiscard]] EventCut read(EventName name, std::string_view data);
    /// Reads an event that was too long to keep: the start of its data, and an outline of the
    /// whole.
    void read_long(EventName name, std::string_view start, std::string_view outline);
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return shape_.memory_bytes() + finish_reason.capacity() + response_id.capacity() +
               conversation_id.capacity();
    }

    bool error_seen = false;
    bool may_tell_error = false;  ///< the last event; false if it is known to hold text alone
    std::int64_t terminals = 0;   ///< events that complete an answer; one for each image
    std::int64_t last_sequence_number = -1;
    std::int64_t output_deltas = 0;
    std::int64_t output_bytes = 0;
    std::string finish_reason;
    std::string response_id;
    std::string conversation_id;
    std::optional<Usage> usage;

private:
    [[nodiscard]] bool is_chat() const noexcept {
        return endpoint_ == Endpoint::chat_completions || endpoint_ == Endpoint::completions;
    }
    [[nodiscard]] TopLevel read_members(EventName name, std::string_view data);
    void read_ids_of(const TopLevel& found);
    void keep_ids(std::string_view response);
    void read_usage_of(const TopLevel& found);
    void note_error(EventName name, std::string_view data, const TopLevel& found,
                    std::int64_t pieces) noexcept;
    [[nodiscard]] DeltaText text_of(std::string_view data, const TopLevel& found) const noexcept;
    bool read_reason(std::string_view data, const TopLevel& found);
    [[nodiscard]] EventCut cut_of(const TopLevel& found) const noexcept;

    Endpoint endpoint_;
    StreamCuts wanted_;
    DeltaShape shape_;
};

}  // namespace sluicegate::openai
