#pragma once
/// Complete answers as the events of their endpoints; nothing for objects of another shape.

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace sluicegate::openai {

using EventJson = nlohmann::ordered_json;

/// For each choice its role, all of its text and tool calls, and why it ended; then the usage if
/// wanted; then [DONE].
[[nodiscard]] std::optional<std::string> chat_events(const EventJson& answer, bool wants_usage);
[[nodiscard]] std::optional<std::string> completion_events(const EventJson& answer,
                                                           bool wants_usage);
/// From response.created to the event named after the response's status.
[[nodiscard]] std::optional<std::string> response_events(const EventJson& answer);

/// A member of an object, or null.
[[nodiscard]] const EventJson& member_of(const EventJson& object, const char* name);

}  // namespace sluicegate::openai
