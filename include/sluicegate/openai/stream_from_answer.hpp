#pragma once
/// Converts a JSON answer to a stream, for upstreams that answer a streamed request with one JSON
/// object. The stream helpers of the official SDKs build the same answer from the events.

#include "sluicegate/openai/endpoints.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

inline constexpr std::size_t converted_answer_bytes_max = 8 * 1024 * 1024;

/// `wants_usage`: a chat or a completion ends with a chunk of `choices: []` and the usage. A
/// response always carries its usage. [DONE] is included where the endpoint has it.
///
/// Returns nothing for text that is no complete answer of this endpoint: an error, another shape,
/// or more than converted_answer_bytes_max. Only chat, completions and responses are converted.
[[nodiscard]] std::optional<std::string> stream_of_answer(Endpoint endpoint, std::string_view json,
                                                          bool wants_usage);

}  // namespace sluicegate::openai
