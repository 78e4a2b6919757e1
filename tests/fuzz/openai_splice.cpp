/// A request body of any endpoint with another model: what is read from the new body is what was
/// read from the old one, but for the model and the options that were asked for. All other bytes
/// are the same.
///
/// Input  a byte that chooses the endpoint and the options, a line with the new model, the body.

#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/openai/splice.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate;
using fuzz::Choices;
using fuzz::require;
using openai::Endpoint;
using openai::Inspection;

constexpr std::array endpoints{Endpoint::chat_completions, Endpoint::completions,
                               Endpoint::responses,        Endpoint::embeddings,
                               Endpoint::audio_speech,     Endpoint::images_generations};

Result<Inspection> inspected(Endpoint endpoint, std::string_view body) {
    std::string padded(body);
    padded.append(openai::body_padding, '"');
    return openai::inspect_json(endpoint, padded.data(), body.size());
}

bool is_model(std::string_view model) {
    const nlohmann::json text = std::string(model);
    try {
        static_cast<void>(text.dump());
    } catch (const nlohmann::json::type_error&) {
        return false;  // no UTF-8: the configuration refuses it
    }
    return !model.empty() && model.size() <= openai::model_bytes_max &&
           std::ranges::none_of(model, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
}

void check(Endpoint endpoint, std::string_view body, std::string_view model,
           openai::StreamOptionsEdit edit) {
    const fuzz::GrowthCheck growth(
        body.size() + model.size(),
        {.base_bytes = 1 << 20, .held_per_byte = 40, .taken_per_byte = 100});
    const auto found = inspected(endpoint, body);
    if (!found) return;
    const openai::Rewritten rewritten = openai::rewrite(*found, body, model, edit);
    std::string written;
    for (const std::string_view piece : rewritten.pieces()) written += piece;
    require(written.size() == rewritten.size(), "the size that is told is the size that is sent");

    const std::size_t model_at = found->model_value.offset;
    const bool has_options_first =
        found->has_stream_options && found->stream_options.offset < model_at;
    if (!has_options_first && !edit.include_usage && !edit.continuous_usage_stats) {
        const std::string_view behind = body.substr(model_at + found->model_value.size);
        require(written.starts_with(body.substr(0, model_at)), "bytes before the model stay");
        require(written.ends_with(behind), "bytes behind the model stay");
        const std::string value =
            written.substr(model_at, written.size() - model_at - behind.size());
        require(nlohmann::json::parse(value) == std::string(model), "the value is the model");
    }
    const auto again = inspected(endpoint, written);
    require(again.has_value(), "what is sent can be read");
    require(again->is_streaming == found->is_streaming && again->choices == found->choices &&
                again->output_cap == found->output_cap && again->prompts == found->prompts,
            "what was checked is what is sent");
    require(again->model == model, "the model is the new one");
    require(again->wants_usage == (found->wants_usage || edit.include_usage),
            "usage is asked for where it was wanted");
    require(again->wants_continuous_usage ==
                (found->wants_continuous_usage || edit.continuous_usage_stats),
            "continuous usage is asked for where it was wanted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices(data, size);
    const std::uint8_t way = choices.byte();
    const Endpoint endpoint = endpoints[way % endpoints.size()];
    const bool has_options =
        endpoint == Endpoint::chat_completions || endpoint == Endpoint::completions;
    const openai::StreamOptionsEdit edit{
        .include_usage = has_options && (way & 0x40U) != 0,
        .continuous_usage_stats = has_options && (way & 0x80U) != 0};
    const std::string model(choices.line());
    const std::string body(choices.rest());
    if (is_model(model)) check(endpoint, body, model, edit);
    return 0;
}
