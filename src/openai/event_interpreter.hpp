#pragma once
/// Reads the events of one stream: text, usage, errors, the end. Each event is scanned once by its
/// members; in a run of events that differ only in their text, bytes are compared instead.
///
/// Threads  one stream, one owner.

#include "sluicegate/openai/sse_scanner.hpp"

#include "openai/choice_facts.hpp"
#include "openai/choice_table.hpp"
#include "openai/delta_shape.hpp"
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
    ByteRange part = {};  ///< of its data, if not whole; usually empty
    /// Also of its data: where something else is written instead; usually empty.
    ByteRange replaced = {};
    std::string_view replacement = {};
};

class EventInterpreter {
public:
    /// `answers`: the choices that a complete stream has.
    EventInterpreter(Endpoint endpoint, StreamCuts wanted, std::int64_t answers) noexcept
        : endpoint_(endpoint), wanted_(wanted), choices_(answers) {}

    /// Reads one complete event. Its data is not [DONE].
    [[nodiscard]] EventCut read(EventName name, std::string_view data);
    /// Reads an event that was too long to keep: the start of its data, and an outline of the
    /// whole.
    void read_long(EventName name, std::string_view start, std::string_view outline);
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return shape_.memory_bytes() + choices_.memory_bytes() + finish_reason.capacity() +
               response_id.capacity() + conversation_id.capacity();
    }
    /// Every choice has its finish_reason, as many as were asked for.
    [[nodiscard]] bool has_all_reasons() const noexcept { return choices_.are_finished(); }

    bool error_seen = false;
    bool has_output = false;      ///< an event carried more than a role
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
    /// What the choices of one event hold together.
    struct ChoicesOfEvent {
        std::int64_t count = 0;
        DeltaText text;
        bool has_reason = false;
        bool has_error = false;
        bool has_unknown = false;
    };

    void read_members(EventName name, const TopLevel& found);
    [[nodiscard]] ChoicesOfEvent read_choices(std::string_view list);
    void note_text(const DeltaText& text) noexcept;
    void read_ids_of(const TopLevel& found);
    void keep_ids(std::string_view response);
    void read_usage_of(const TopLevel& found);
    void note_usage(const Usage& reported);
    void note_error(EventName name, std::string_view data, const TopLevel& found,
                    const ChoicesOfEvent& choices);
    void read_reason_of_response(const TopLevel& found);
    [[nodiscard]] EventCut cut_of(const TopLevel& found, const ChoicesOfEvent& choices);

    Endpoint endpoint_;
    StreamCuts wanted_;
    DeltaShape shape_;
    ChoiceTable choices_;
    std::uint64_t extras_seen_ = 0;  ///< of TopLevel, in all events so far
};

}  // namespace sluicegate::openai
