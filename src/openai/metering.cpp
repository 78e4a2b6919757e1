#include "sluicegate/openai/metering.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

constexpr std::string_view chat_caps[] = {"max_completion_tokens", "max_tokens"};
constexpr std::string_view completion_caps[] = {"max_tokens"};
constexpr std::string_view response_caps[] = {"max_output_tokens"};

struct MeteringRow {
    Endpoint endpoint;
    Metering metering;
};

constexpr Metering unmetered;
constexpr Metering input_only{.counts_tokens = true};
constexpr Metering open_output{.counts_tokens = true, .has_output = true};
constexpr Metering open_choices{
    .counts_tokens = true, .has_output = true, .multiplies_choices = true};

// In the order of the enumeration. If an answer has a `usage`, it settles the request.
constexpr MeteringRow metering_rows[] = {
    {Endpoint::chat_completions, {true, true, true, chat_caps}},
    {Endpoint::completions, {true, true, true, completion_caps}},
    {Endpoint::responses, {true, true, false, response_caps}},
    {Endpoint::embeddings, input_only},
    {Endpoint::moderations, unmetered},  // free of charge, reports no usage
    {Endpoint::rerank, input_only},
    {Endpoint::images_generations, open_choices},
    {Endpoint::images_edits, open_choices},
    {Endpoint::images_variations, unmetered},  // billed by the picture
    {Endpoint::audio_speech, input_only},      // audio carries no usage
    {Endpoint::audio_transcriptions, open_output},
    {Endpoint::audio_translations, open_output},
    {Endpoint::models_list, unmetered},
    {Endpoint::model_get, unmetered},
};

constexpr bool metering_is_in_order() {
    for (std::size_t i = 0; i < std::size(metering_rows); ++i) {
        if (static_cast<std::size_t>(metering_rows[i].endpoint) != i) return false;
    }
    return true;
}
static_assert(metering_is_in_order());

constexpr std::int64_t rounded_up(std::int64_t value, std::int64_t unit) noexcept {
    return (value + unit - 1) / unit;
}

/// The product of two numbers that are not negative, at most output_cap_max.
constexpr std::int64_t product(std::int64_t a, std::int64_t b) noexcept {
    return b != 0 && a > output_cap_max / b ? output_cap_max : a * b;
}

}  // namespace

const Metering& metering_of(Endpoint endpoint) noexcept {
    return metering_rows[static_cast<std::size_t>(endpoint)].metering;
}

std::int64_t estimate_prompt_tokens(const Inspection& inspection) noexcept {
    const PromptSize& prompt = inspection.prompt;
    return std::min(tokens_of_text(prompt.text_bytes) + prompt.values +
                        product(prompt.media_parts, media_part_tokens) +
                        rounded_up(prompt.audio_bytes, audio_bytes_per_token),
                    output_cap_max);
}

TokenDemand token_demand(Endpoint endpoint, const Inspection& inspection) noexcept {
    const Metering& metering = metering_of(endpoint);
    TokenDemand out;
    if (!metering.counts_tokens) return out;
    out.prompt = estimate_prompt_tokens(inspection);
    if (metering.multiplies_choices) out.answers = product(inspection.choices, inspection.prompts);
    const bool is_capped = inspection.output_cap >= 0;
    if (is_capped) out.stated_output = product(inspection.output_cap, out.answers);
    out.is_output_open = metering.has_output && !is_capped;
    return out;
}

std::int64_t tokens_of_text(std::int64_t bytes) noexcept {
    return rounded_up(bytes, text_bytes_per_token);
}

}  // namespace sluicegate::openai
