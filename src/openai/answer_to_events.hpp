#pragma once
/// Complete answers as the events of their endpoints.
///
/// Errors  nothing for an object of another shape, and for an answer whose events would be longer
///         than events_bytes_max: chunks repeat what they have in common.
/// Cost    linear in the answer and in the events. EventJson looks members up in a tree, because an
///         upstream chooses how many an object has.

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace sluicegate::openai {

using EventJson = nlohmann::json;

inline constexpr std::size_t events_bytes_max = 64 * 1024 * 1024;

/// For each choice its role, all of its text and tool calls, and why it ended; then the usage if
/// wanted; then [DONE].
[[nodiscard]] std::optional<std::string> chat_events(const EventJson& answer, bool wants_usage);
[[nodiscard]] std::optional<std::string> completion_events(const EventJson& answer,
                                                           bool wants_usage);
/// From response.created to the event named after the response's status.
[[nodiscard]] std::optional<std::string> response_events(const EventJson& answer);

/// A member of an object, or null.
[[nodiscard]] inline const EventJson& member_of(const EventJson& object, const char* name) {
    static const EventJson absent;
    if (!object.is_object()) return absent;
    const auto found = object.find(name);
    return found == object.end() ? absent : *found;
}

}  // namespace sluicegate::openai
