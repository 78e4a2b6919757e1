#pragma once
/// Puts the events of a stream together to the JSON answer that they stand for, for upstreams that
/// stream although the client asked for JSON. The reverse of stream_from_answer.hpp.
///
/// Errors  none: whether the result is an answer is judged like any other JSON.
/// Cost    linear in the events.

#include "sluicegate/openai/endpoints.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// `events` is a whole stream. Chunks of choices become choices with messages or texts, their
/// deltas joined; a response is that of its last event; a transcript is its last event or all of
/// its pieces; pictures are those that were completed. For other endpoints it is the last object.
///
/// Returns nothing if no event holds an object.
[[nodiscard]] std::optional<std::string> answer_from_events(Endpoint endpoint,
                                                            std::string_view events);

}  // namespace sluicegate::openai
