#pragma once
/// Whether an upstream refused a request for something that another upstream may take: a context
/// that is too long for its model, or a parameter that it does not support.
///
/// Source  errors of OpenAI, Azure, Anthropic, Gemini, Mistral, Cohere, Groq, xAI, Bedrock, vLLM,
///         SGLang, llama.cpp, Ollama, TGI, TEI and pydantic, as they were in 2026.

#include "sluicegate/base/error.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/openai/api_error.hpp"

#include <string_view>

namespace sluicegate::provider {

[[nodiscard]] FallbackReason fallback_reason_of(const openai::ApiError& said);

/// Of an answer with an error status.
[[nodiscard]] FallbackReason fallback_reason_of(const http::ResponseHead& head,
                                                std::string_view body);

}  // namespace sluicegate::provider
