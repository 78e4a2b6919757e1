#pragma once
/// What an upstream says that an answer has cost, in every shape in use.
///
/// Shapes   prompt_tokens and completion_tokens (chat, completions, embeddings, rerank);
///          input_tokens and output_tokens (responses, images, audio); Anthropic's, whose
///          input_tokens leave cached ones out; seconds (transcriptions with type "duration").
/// Numbers  each is 0 … usage_max. A fraction is rounded up, plain digits in a string count, more
///          than usage_max is usage_max; negative or anything else counts as absent. Usage that
///          has neither input, output, a total nor seconds is none: better counted than taken
///          for free.
/// Threads  any.
/// Source   API_CONTRACT 3.1: the OpenAI and Anthropic API references; vLLM and llama.cpp.

#include "sluicegate/openai/endpoints.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

inline constexpr std::int64_t usage_max = 1'000'000'000;

struct Usage {
    /// All of the prompt, cached parts included.
    std::int64_t input = 0;
    /// All that was generated, reasoning included.
    std::int64_t output = 0;
    /// As reported, but never less than input + output.
    std::int64_t total = 0;
    std::int64_t cached_input = 0;  ///< part of input: read from a cache
    std::int64_t cache_write = 0;   ///< part of input: written to a cache
    std::int64_t reasoning = 0;     ///< part of output
    std::int64_t audio_ms = 0;      ///< of a transcription that is billed by its duration

    friend bool operator==(const Usage&, const Usage&) = default;
};

/// What a complete JSON answer says about itself.
struct AnswerFacts {
    std::optional<Usage> usage;
    /// Of the first choice that has one; a response's status, or why it is incomplete;
    /// Anthropic's stop_reason. A word of at most 32 letters and underscores, or "".
    std::string finish_reason;
    /// Of the generated text, as it stands between the quotes: to count when there is no usage.
    std::int64_t output_bytes = 0;
    /// The text is one object or array whose strings and brackets all end, valid UTF-8, with
    /// nothing but white space around it; not the beginning of one, two of them, or HTML. Commas,
    /// colons and numbers are not looked at: the text is passed on as it is, and what matters is
    /// that none of it is missing.
    bool is_whole = false;
};

/// Empty facts for text that is no JSON object; of one with a fault in its text (half a character,
/// a control character) the usage is read all the same. Of any size; one pass over it.
[[nodiscard]] AnswerFacts facts_of_answer(Endpoint endpoint, std::string_view json_body);

}  // namespace sluicegate::openai
