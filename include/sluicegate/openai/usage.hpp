#pragma once
/// The usage that an upstream reports for an answer, in every shape that is in use.
///
/// Shapes   prompt_tokens and completion_tokens (chat, completions, embeddings, rerank);
///          input_tokens and output_tokens (responses, images, audio); Anthropic's, whose
///          input_tokens leave cached ones out; seconds (transcriptions with type "duration").
/// Numbers  each is 0 … usage_max. A fraction is rounded up, plain digits in a string count, more
///          than usage_max is usage_max; negative or anything else counts as absent. Usage without
///          input, output, total and seconds is treated as no usage: the gateway then counts.
/// Threads  any.
/// Source   the OpenAI and Anthropic API references; the answers of vLLM and llama.cpp.

#include <cstdint>

namespace sluicegate::openai {

inline constexpr std::int64_t usage_max = 1'000'000'000;

struct Usage {
    /// The whole prompt, cached parts included.
    std::int64_t input = 0;
    /// All that was generated, reasoning included.
    std::int64_t output = 0;
    /// As reported, but never less than input + output.
    std::int64_t total = 0;
    std::int64_t cached_input = 0;  ///< part of input: read from a cache
    std::int64_t cache_write = 0;   ///< part of input: written to a cache
    std::int64_t reasoning = 0;     ///< part of output
    std::int64_t audio_ms = 0;      ///< of a transcription that is billed by its duration
    /// Only the total was reported, and the input is what it leaves.
    bool is_input_derived = false;

    friend bool operator==(const Usage&, const Usage&) = default;
};

}  // namespace sluicegate::openai
