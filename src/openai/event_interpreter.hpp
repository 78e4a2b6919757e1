#pragma once
/// What the events of one stream mean: text, usage, errors, the end. JSON is looked into only
/// where an event can matter; plain pieces of text are recognised by searches, and in runs of
/// events that differ in nothing but the text by comparing bytes.
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

/// What of an event must not reach the client.
struct EventCut {
    bool is_whole = false;
    ByteRange part;  ///< of its data, when not whole; usually empty
};

class EventInterpreter {
public:
    EventInterpreter(Endpoint endpoint, StreamCuts wanted) noexcept
        : endpoint_(endpoint), wanted_(wanted) {}

    /// One complete event with data other than [DONE].
    [[nodiscard]] EventCut read(EventName name, std::string_view data);
    /// One that was too long to be kept: the start of its data, and the outline
    /// of all of it.
    void read_long(EventName name, std::string_view start, std::string_view outline);
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return shape_.memory_bytes() + finish_reason.capacity();
    }

    bool error_seen = false;
    std::int64_t terminals = 0;  ///< events that complete an answer, of images one each
    std::int64_t last_sequence_number = -1;
    std::int64_t output_deltas = 0;
    std::int64_t output_bytes = 0;
    std::string finish_reason;
    std::optional<Usage> usage;

private:
    [[nodiscard]] bool is_chat() const noexcept {
        return endpoint_ == Endpoint::chat_completions || endpoint_ == Endpoint::completions;
    }
    [[nodiscard]] TopLevel read_members(EventName name, std::string_view data);
    void read_usage_of(const TopLevel& found);
    [[nodiscard]] DeltaText text_of(std::string_view data, const TopLevel& found) const noexcept;
    bool read_reason(std::string_view data, const TopLevel& found);
    [[nodiscard]] EventCut cut_of(const TopLevel& found) const noexcept;

    Endpoint endpoint_;
    StreamCuts wanted_;
    DeltaShape shape_;
};

}  // namespace sluicegate::openai
