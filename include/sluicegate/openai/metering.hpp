#pragma once
/// How each endpoint is metered in tokens. All code that reserves, counts or settles reads this
/// table.
///
/// Estimates  are made from bytes and are rather high for English text and code. 4 bytes of JSON
///            text, keys included, are one token; so is a number, because a token id is one. A
///            picture, file or recording inside JSON is media_part_tokens, whatever its size. An
///            uploaded recording is one token for each audio_bytes_per_token.
/// Bounds     every result is 0 … output_cap_max.

#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/inspect_request.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace sluicegate::openai {

struct Metering {
    /// Requests count against token limits. If an upstream reports no usage, the estimated prompt
    /// and the counted output are used.
    bool counts_tokens = false;
    /// The endpoint generates tokens: without a cap the output is not bounded.
    bool has_output = false;
    /// The output is generated `n` times. The cap applies to each.
    bool multiplies_choices = false;
    /// Fields of the request that cap the output. Upstreams read no others.
    std::span<const std::string_view> cap_fields = {};
};

[[nodiscard]] const Metering& metering_of(Endpoint endpoint) noexcept;

/// The tokens to reserve for a request before it is sent.
struct TokenDemand {
    std::int64_t prompt = 0;  ///< estimated
    /// Output that the request allows, for all choices and prompts. 0 if it names no cap.
    std::int64_t stated_output = 0;
    /// The endpoint generates and the request has no cap: reserve the learned output, times
    /// `answers`.
    bool is_output_open = false;
    std::int64_t answers = 1;  ///< choices times prompts
};

inline constexpr std::int64_t text_bytes_per_token = 4;
/// A picture of 1024 x 1024 in high detail is 765 with most OpenAI models, about 1,400 with
/// Anthropic's.
inline constexpr std::int64_t media_part_tokens = 1024;
/// A guess: 128 kbit/s and ten tokens a second. Recordings are compressed in many ways.
inline constexpr std::int64_t audio_bytes_per_token = 1600;

[[nodiscard]] std::int64_t estimate_prompt_tokens(const Inspection& inspection) noexcept;
[[nodiscard]] TokenDemand token_demand(Endpoint endpoint, const Inspection& inspection) noexcept;
/// Rounded up. For output without reported usage.
[[nodiscard]] std::int64_t tokens_of_text(std::int64_t bytes) noexcept;

}  // namespace sluicegate::openai
