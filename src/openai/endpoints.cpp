#include "sluicegate/openai/endpoints.hpp"

#include "sluicegate/base/percent_encoding.hpp"

#include "openai/gemini_method.hpp"
#include "openai/model_name.hpp"

#include <optional>
#include <utility>

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
    {Endpoint::health, "health", "/health", get, false, false, false},
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

std::string without_repeated_slashes(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    for (const char c : path) {
        if (c != '/' || out.empty() || out.back() != '/') out += c;
    }
    return out;
}

/// Takes `segment` from the front of `path`, where another segment follows it.
bool take_segment(std::string_view& path, std::string_view segment) noexcept {
    if (!path.starts_with(segment) || !path.substr(segment.size()).starts_with('/')) return false;
    path.remove_prefix(segment.size());
    return true;
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

/// A name as it stands in a path, percent-decoded once.
std::optional<std::string> model_in(std::string_view text) {
    std::optional<std::string> name = percent_decoded(text);
    if (!name || !is_model_name(*name) || has_dot_segment(*name)) return std::nullopt;
    return name;
}

/// Azure's `/deployments/MODEL/chat/completions`. Its SDKs write the name of a model as it is, so
/// it may hold slashes: the longest endpoint at the end of the path counts.
std::optional<EndpointMatch> find_deployment(std::string_view path) {
    const Row* longest = nullptr;
    for (const Row& row : rows) {
        if (row.methods != post || !path.ends_with(row.path)) continue;
        if (longest == nullptr || row.path.size() > longest->path.size()) longest = &row;
    }
    if (longest == nullptr) return std::nullopt;
    path.remove_suffix(longest->path.size());
    if (path.size() < 2) return std::nullopt;
    std::optional<std::string> model = model_in(path.substr(1));
    if (!model) return std::nullopt;
    return EndpointMatch{longest->endpoint, std::move(*model)};
}

/// The endpoint of a path that is not written as the SDKs write it.
std::optional<EndpointMatch> find_other_spelling(std::string_view raw_path) {
    const std::string clean = without_repeated_slashes(raw_path);
    std::string_view path = clean;
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    if (path == "/" || path == "/health") return EndpointMatch{Endpoint::health, {}};
    const bool has_version = take_segment(path, "/v1");
    take_segment(path, "/openai");
    if (!has_version) take_segment(path, "/v1");
    if (take_segment(path, "/deployments")) return find_deployment(path);
    if (take_segment(path, "/models")) {
        if (is_gemini_method(path)) return std::nullopt;
        std::optional<std::string> model = model_in(path.substr(1));
        if (!model) return std::nullopt;
        return EndpointMatch{Endpoint::model_get, std::move(*model)};
    }
    const Row* row = find_row(path);
    if (row == nullptr || row->endpoint == Endpoint::health) return std::nullopt;
    return EndpointMatch{row->endpoint, {}};
}

/// The endpoint of a path, for any method.
std::optional<EndpointMatch> find_endpoint(std::string_view path) {
    // Fast path: nearly every request has its path as the SDKs write it.
    constexpr std::string_view version_prefix = "/v1";
    const bool has_version = path.starts_with("/v1/");
    const Row* row = find_row(has_version ? path.substr(version_prefix.size()) : path);
    if (row != nullptr && row->endpoint != Endpoint::health)
        return EndpointMatch{row->endpoint, {}};
    return find_other_spelling(path);
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
