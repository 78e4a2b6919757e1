#pragma once
/// The request target that an upstream is asked for: its own path, and what may pass of the query.

#include "sluicegate/config/upstream.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::provider {

/// "/v1/chat/completions?a=1", in origin form (RFC 9112, 3.2.1). `endpoint` is an index into
/// `upstream.endpoints`; no matter for a kind without any. `model` is the upstream's name for the
/// model, on Azure that of a deployment; it may hold any byte. `query` is the client's, without its
/// question mark; parameters that could carry a key stay here.
///
/// With an api_version, Azure's dated API is asked, which has the deployment in the path: behind a
/// prefix that ends in "/openai/v1" alone it stays with the v1 API, whose paths are OpenAI's. The
/// version of an Azure client is for its own view of the world, and stays out of the query.
/// Source: docs/upstreams.md.
void append_target(std::string& out, const config::Upstream& upstream, std::size_t endpoint,
                   openai::Endpoint asked, std::string_view model, std::string_view query);

}  // namespace sluicegate::provider
