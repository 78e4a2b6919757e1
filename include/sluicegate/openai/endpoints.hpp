#pragma once
/// The requests that sluicegate answers or forwards: method and path to endpoint, from one table.
///
/// Paths      with and without the /v1 prefix; duplicate slashes count as one, and one slash at the
///            end as none. Azure's: /openai/v1/… like /v1/…, and /openai/deployments/MODEL/….
///            Every other path is unknown_url: stateful resources (files, batches, stored
///            responses), dot segments, percent escapes outside a model id.
/// Model ids  everything after /models/, or between /deployments/ and the endpoint, slashes
///            included, percent-decoded once.
/// Source     the URLs that the OpenAI SDKs build.

#include "sluicegate/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::openai {

enum class Endpoint : std::uint8_t {
    chat_completions,
    completions,
    responses,
    embeddings,
    moderations,
    rerank,
    images_generations,
    images_edits,
    images_variations,
    audio_speech,
    audio_transcriptions,
    audio_translations,
    models_list,  ///< answered from the configuration, like model_get
    model_get,
    health,  ///< `/health` and `/`: tells nothing but that the gateway answers
};

struct EndpointMatch {
    Endpoint endpoint = Endpoint::chat_completions;
    /// That the path names: always for model_get, and for a deployment of Azure's. Decoded once:
    /// 1 … 256 bytes of UTF-8 without control characters.
    std::string model_id;
};

/// `path` is raw, without the query. Errors: unknown_url, method_not_supported; their subject is
/// "METHOD PATH", cut to 256 bytes. HEAD is allowed where GET is.
[[nodiscard]] Result<EndpointMatch> match_endpoint(std::string_view method, std::string_view path);

/// For the Allow field: "POST", "GET, HEAD", or "" for a path that match_endpoint does not know.
[[nodiscard]] std::string_view allowed_methods(std::string_view path);

/// Appended to an upstream's path prefix, which carries /v1: "/chat/completions".
[[nodiscard]] std::string_view upstream_path(Endpoint endpoint) noexcept;
/// snake_case name for logs and metrics.
[[nodiscard]] std::string_view name_of(Endpoint endpoint) noexcept;
[[nodiscard]] bool takes_json(Endpoint endpoint) noexcept;
[[nodiscard]] bool takes_multipart(Endpoint endpoint) noexcept;
/// True where `stream: true` makes the answer an event stream.
[[nodiscard]] bool streams_on_request(Endpoint endpoint) noexcept;

}  // namespace sluicegate::openai
