#include "sluicegate/openai/endpoints.hpp"

#include "sluicegate/base/percent_encoding.hpp"

#include "openai/model_name.hpp"

#include <optional>

namespace sluicegate::openai {
namespace {

struct Row {
    Endpoint endpoint;
    std::string_view name;
    std::string_view path;
    std::string_view methods;
    bool takes_json;
    bool takes_multipart;
    bool streams;
};

constexpr std::string_view post = "POST";
constexpr std::string_view get = "GET, HEAD";

// In the order of the enumeration.
constexpr Row rows[] = {
    {Endpoint::chat_completions, "chat_completions", "/chat/completions", post, true, false, true},
    {Endpoint::completions, "completions", "/completions", post, true, false, true},
    {Endpoint::responses, "responses", "/responses", post, true, false, true},
    {Endpoint::embeddings, "embeddings", "/embeddings", post, true, false, false},
    {Endpoint::moderations, "moderations", "/moderations", post, true, false, false},
    {Endpoint::rerank, "rerank", "/rerank", post, true, false, false},
    {Endpoint::images_generations, "images_generations", "/images/generations", post, true, false,
     true},
    {Endpoint::images_edits, "images_edits", "/images/edits", post, true, true, true},
    {Endpoint::images_variations, "images_variations", "/images/variations", post, false, true,
     false},
    {Endpoint::audio_speech, "audio_speech", "/audio/speech", post, true, false, false},
    {Endpoint::audio_transcriptions, "audio_transcriptions", "/audio/transcriptions", post, false,
     true, true},
    {Endpoint::audio_translations, "audio_translations", "/audio/translations", post, false, true,
     false},
    {Endpoint::models_list, "models_list", "/models", get, false, false, false},
    {Endpoint::model_get, "model_get", "/models", get, false, false, false},
};

constexpr const Row& row_of(Endpoint endpoint) noexcept {
    return rows[static_cast<std::size_t>(endpoint)];
}

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        if (static_cast<std::size_t>(rows[i].endpoint) != i) return false;
    }
    return true;
}
static_assert(is_in_order());

/// `path` without repeated slashes and without the version prefix: "/chat/completions".
std::string canonical(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    for (const char c : path) {
        if (c != '/' || out.empty() || out.back() != '/') out += c;
    }
    if (out.starts_with("/v1/")) out.erase(0, 3);
    return out;
}

bool has_dot_segment(std::string_view text) noexcept {
    while (true) {
        const std::size_t slash = text.find('/');
        const std::string_view segment = text.substr(0, slash);
        if (segment == "." || segment == "..") return true;
        if (slash == std::string_view::npos) return false;
        text.remove_prefix(slash + 1);
    }
}

const Row* find_row(std::string_view path) noexcept {
    for (const Row& row : rows) {
        if (row.path == path) return &row;
    }
    return nullptr;
}

/// The endpoint of a path, for any method.
std::optional<EndpointMatch> find_endpoint(std::string_view path) {
    // Fast path: nearly every request has its path as the SDKs write it.
    constexpr std::string_view version_prefix = "/v1";
    const bool has_version = path.starts_with("/v1/");
    if (const Row* row = find_row(has_version ? path.substr(version_prefix.size()) : path)) {
        return EndpointMatch{row->endpoint, {}};
    }
    const std::string wanted = canonical(path);
    constexpr std::string_view model_prefix = "/models/";
    if (wanted.starts_with(model_prefix)) {
        std::optional<std::string> id =
            percent_decoded(std::string_view(wanted).substr(model_prefix.size()));
        if (!id || !is_model_name(*id) || has_dot_segment(*id)) return std::nullopt;
        return EndpointMatch{Endpoint::model_get, std::move(*id)};
    }
    const Row* row = find_row(wanted);
    return row == nullptr ? std::nullopt : std::optional(EndpointMatch{row->endpoint, {}});
}

std::string subject_of(std::string_view method, std::string_view path) {
    constexpr std::size_t subject_bytes_max = 256;
    std::string subject(method.substr(0, 32));
    subject += ' ';
    subject += path.substr(0, subject_bytes_max - subject.size());
    return subject;
}

}  // namespace

Result<EndpointMatch> match_endpoint(std::string_view method, std::string_view path) {
    std::optional<EndpointMatch> match = find_endpoint(path);
    if (!match) return fail(ErrorKind::unknown_url, "no such endpoint", subject_of(method, path));
    const bool is_read = row_of(match->endpoint).methods == get;
    const bool is_allowed = is_read ? method == "GET" || method == "HEAD" : method == "POST";
    if (!is_allowed) {
        return fail(ErrorKind::method_not_supported, "another method", subject_of(method, path));
    }
    return std::move(*match);
}

std::string_view allowed_methods(std::string_view path) {
    const std::optional<EndpointMatch> match = find_endpoint(path);
    return match ? row_of(match->endpoint).methods : std::string_view();
}

std::string_view upstream_path(Endpoint endpoint) noexcept {
    return row_of(endpoint).path;
}

std::string_view name_of(Endpoint endpoint) noexcept {
    return row_of(endpoint).name;
}

bool takes_json(Endpoint endpoint) noexcept {
    return row_of(endpoint).takes_json;
}

bool takes_multipart(Endpoint endpoint) noexcept {
    return row_of(endpoint).takes_multipart;
}

bool streams_on_request(Endpoint endpoint) noexcept {
    return row_of(endpoint).streams;
}

}  // namespace sluicegate::openai
