#include "provider/azure_path.hpp"

namespace sluicegate::provider {
namespace {

bool is_deployments_own(openai::Endpoint endpoint) noexcept {
    switch (endpoint) {
        case openai::Endpoint::chat_completions:
        case openai::Endpoint::completions:
        case openai::Endpoint::embeddings:
        case openai::Endpoint::images_generations:
        case openai::Endpoint::images_edits:
        case openai::Endpoint::audio_speech:
        case openai::Endpoint::audio_transcriptions:
        case openai::Endpoint::audio_translations: return true;
        default: return false;
    }
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

void append_azure_path(std::string& out, openai::Endpoint endpoint, std::string_view deployment) {
    out += "/openai";
    if (is_deployments_own(endpoint)) {
        out += "/deployments/";
        append_segment(out, deployment);
    }
    out += openai::upstream_path(endpoint);
}

}  // namespace sluicegate::provider
