#pragma once
/// How each endpoint is metered in tokens: one table, read by everything that reserves, counts or
/// settles.
///
/// Estimates  come from bytes and err to the high side for English text and code: 4 bytes of JSON
///            text are a token, keys included, which is about what the frame of a message costs;
///            a number is one (a token id is exactly that); a picture, a file or a recording
///            inside JSON is media_part_tokens, whatever its size; an uploaded recording is
///            audio_bytes_per_token.
/// Bounds     every result is 0 … output_cap_max.

#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/inspect_request.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace sluicegate::openai {

struct Metering {
    /// Requests count against limits of tokens. Where an upstream reports no usage, the estimate of
    /// the prompt and the counted output stand in for it.
    bool counts_tokens = false;
    /// Tokens are generated: an absent cap leaves the output open.
    bool has_output = false;
    /// The output is generated `n` times, the cap holds for each.
    bool multiplies_choices = false;
    /// Fields of the request that cap the output; any other is not read by upstreams.
    std::span<const std::string_view> cap_fields = {};
};

[[nodiscard]] const Metering& metering_of(Endpoint endpoint) noexcept;

/// What to reserve for a request before it is sent.
struct TokenDemand {
    std::int64_t prompt = 0;  ///< estimated
    /// Output that the request itself allows, for all choices and prompts; 0 when it names no cap.
    std::int64_t stated_output = 0;
    /// The endpoint generates and no cap was named: reserve what was learned, times `answers`.
    bool is_output_open = false;
    std::int64_t answers = 1;  ///< choices times prompts
};

inline constexpr std::int64_t text_bytes_per_token = 4;
/// A picture of 1024 x 1024 in high detail is 765 with most OpenAI models, about 1,400 with
/// Anthropic's.
inline constexpr std::int64_t media_part_tokens = 1024;
/// 128 kbit/s, at ten tokens a second: a guess, recordings are compressed in many ways.
inline constexpr std::int64_t audio_bytes_per_token = 1600;

[[nodiscard]] std::int64_t estimate_prompt_tokens(const Inspection& inspection) noexcept;
[[nodiscard]] TokenDemand token_demand(Endpoint endpoint, const Inspection& inspection) noexcept;
/// Rounded up; for output that no usage reports.
[[nodiscard]] std::int64_t tokens_of_text(std::int64_t bytes) noexcept;

}  // namespace sluicegate::openai
