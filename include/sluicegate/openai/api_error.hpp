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

/// The body for every request over a rate limit, byte for byte. Only the header fields differ.
inline constexpr std::string_view rate_limit_body =
    R"({"error":{"message":"Rate limit exceeded. Please try again later.","type":"rate_limit_error","code":429}})";

/// The same with the message `words` unless it is "", and with the code "rate_limit_exceeded" and a
/// `param` of null if `has_text_code`.
[[nodiscard]] std::string rejection_body(std::string_view words, bool has_text_code);

/// The event that tells a client that its stream broke, blank line included. Both SDKs raise an
/// APIError for it. [DONE] never follows it.
///
/// `sequence_number` is that of this event: one more than the last that was sent. Only the events
/// of the responses endpoint carry it.
[[nodiscard]] std::string stream_error(Endpoint endpoint, const ApiError& error,
                                       std::int64_t sequence_number);

}  // namespace sluicegate::openai
