#pragma once
/// Converts an upstream's error, in any known shape, to the four fields of an OpenAI error.
///
/// Shapes   OpenAI, Azure (no type), API Management (flat statusCode), Anthropic, Gemini (array,
///          status), vLLM (integer code; flat; plain string), llama.cpp, TGI (error_type), FastAPI
///          (detail); a list of errors in `errors`.
/// Else     plain text and the text of HTML, without its tags. Where a body says nothing, the
///          message is a sentence with the status.
/// Bounds   message 4 KiB, the other fields 256 bytes, cut between characters. Bodies over 1 MiB
///          are not read.

#include "sluicegate/openai/api_error.hpp"

#include <optional>
#include <string_view>

namespace sluicegate::openai {

inline constexpr std::size_t error_message_bytes_max = 4096;
inline constexpr std::size_t error_field_bytes_max = 256;
inline constexpr std::size_t error_body_bytes_max = 1024 * 1024;

/// For an answer with an error status that is passed on. It never fails: a body that cannot be read
/// gives the generic sentence.
[[nodiscard]] ApiError normalise_error(unsigned status, std::string_view content_type,
                                       std::string_view body);

/// The same for a body that is known to tell an error, but what it does not say stays empty.
[[nodiscard]] ApiError told_error(std::string_view content_type, std::string_view body);

/// The error inside a body with a success status. Nothing if there is none.
[[nodiscard]] std::optional<ApiError> error_in(std::string_view json);

/// What an object with a success status says that is no answer: under any name in which servers
/// tell errors, in any letter case, or inside a choice. Nothing if it says nothing.
[[nodiscard]] std::optional<ApiError> words_in(std::string_view json);

/// The error inside the response of a `response.failed` event. Nothing if there is none.
[[nodiscard]] std::optional<ApiError> error_in_response(std::string_view event_json);

}  // namespace sluicegate::openai
