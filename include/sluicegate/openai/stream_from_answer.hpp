#pragma once
/// For upstreams that answer a streamed request with one JSON object: the events that the endpoint
/// would have sent instead. The stream helpers of the official SDKs put the same answer together
/// from them.

#include "sluicegate/openai/endpoints.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

inline constexpr std::size_t converted_answer_bytes_max = 8 * 1024 * 1024;

/// `wants_usage`: a chat or a completion ends with the chunk that has `choices: []` and the usage;
/// a response carries its usage anyway. [DONE] is included where the endpoint has it.
///
/// Nothing for text that is no complete answer of this endpoint (an error, another shape, more
/// than converted_answer_bytes_max) and for endpoints other than chat, completions and responses.
[[nodiscard]] std::optional<std::string> stream_of_answer(Endpoint endpoint, std::string_view json,
                                                          bool wants_usage);

}  // namespace sluicegate::openai
