#pragma once
/// Errors in the shape that the OpenAI SDKs read.

#include "sluicegate/openai/endpoints.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::openai {

struct ApiError {
    std::string message;
    std::string type;
    std::string code;   ///< "" is written as null
    std::string param;  ///< "" is written as null
};

/// `{"error":{"message":…,"type":…,"param":…,"code":…}}`
[[nodiscard]] std::string error_body(const ApiError& error);

/// The answer to every request over a rate limit, byte for byte; what differs is in the header.
inline constexpr std::string_view rate_limit_body =
    R"({"error":{"message":"Rate limit exceeded. Please try again later.","type":"rate_limit_error","code":429}})";

/// The event that tells a client that its stream broke, blank line included. Both SDKs raise an
/// APIError for it. Never followed by [DONE].
///
/// `sequence_number` is the event's own: one more than the last that went by. Only the events of
/// the responses endpoint carry it.
[[nodiscard]] std::string stream_error(Endpoint endpoint, const ApiError& error,
                                       std::int64_t sequence_number);

}  // namespace sluicegate::openai
