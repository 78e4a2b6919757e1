#include "provider/azure_path.hpp"

namespace sluicegate::provider {
namespace {

constexpr std::string_view root = "/openai";
constexpr std::string_view v1_prefix = "/openai/v1";

bool has_deployment_in_path(openai::Endpoint endpoint) noexcept {
    switch (endpoint) {
        case openai::Endpoint::chat_completions:
        case openai::Endpoint::completions:
        case openai::Endpoint::embeddings:
        case openai::Endpoint::images_generations:
        case openai::Endpoint::images_edits:
        case openai::Endpoint::audio_speech:
        case openai::Endpoint::audio_transcriptions:
        case openai::Endpoint::audio_translations: return true;
        case openai::Endpoint::responses:
        case openai::Endpoint::moderations:
        case openai::Endpoint::rerank:
        case openai::Endpoint::images_variations:
        case openai::Endpoint::models_list:
        case openai::Endpoint::model_get:
        case openai::Endpoint::health: return false;
    }
    return false;
}

constexpr bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void append_segment(std::string& out, std::string_view text) {
    constexpr std::string_view hex_digits = "0123456789ABCDEF";
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += hex_digits[byte >> 4U];
        out += hex_digits[byte & 15U];
    }
}

}  // namespace

void append_azure_path(std::string& out, const config::Upstream& upstream, std::string_view prefix,
                       openai::Endpoint asked, std::string_view deployment) {
    if (upstream.api_version.empty() || prefix.ends_with(v1_prefix)) {
        out += prefix;
        out += openai::upstream_path(asked);
        return;
    }
    if (prefix.ends_with(root)) prefix.remove_suffix(root.size());
    out += prefix;
    append_dated_path(out, asked, deployment);
}

void append_dated_path(std::string& out, openai::Endpoint asked, std::string_view deployment) {
    out += root;
    if (has_deployment_in_path(asked)) {
        out += "/deployments/";
        append_segment(out, deployment);
    }
    out += openai::upstream_path(asked);
}

}  // namespace sluicegate::provider
