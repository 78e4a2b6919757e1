#pragma once
/// Upstream errors, whatever their shape, as the four fields of an OpenAI error.
///
/// Shapes   OpenAI, Azure (no type), API Management (flat statusCode), Anthropic, Gemini (array,
///          status), vLLM (integer code; flat; plain string), llama.cpp, TGI (error_type), FastAPI
///          (detail).
/// Never    HTML or plain text: these become a sentence with the status.
/// Bounds   message 4 KiB, the other fields 256 bytes, cut at a character; bodies over 1 MiB are
///          not looked into.

#include "sluicegate/openai/api_error.hpp"

#include <optional>
#include <string_view>

namespace sluicegate::openai {

inline constexpr std::size_t error_message_bytes_max = 4096;
inline constexpr std::size_t error_field_bytes_max = 256;
inline constexpr std::size_t error_body_bytes_max = 1024 * 1024;

/// For an answer with an error status that is passed on. Never fails: what cannot be read becomes
/// the generic sentence.
[[nodiscard]] ApiError normalise_error(unsigned status, std::string_view content_type,
                                       std::string_view body);

/// The error inside a body that came with a success status; nothing if it holds none.
[[nodiscard]] std::optional<ApiError> error_in(std::string_view json);

/// The error inside the response of a `response.failed` event; nothing if it holds none.
[[nodiscard]] std::optional<ApiError> error_in_response(std::string_view event_json);

}  // namespace sluicegate::openai
