#pragma once
/// The paths of Azure: those of its dated API, the one with `api-version` in the query, and those
/// of its v1 API, which are OpenAI's.
///
/// Source  Azure OpenAI REST API reference, data plane; what the OpenAI SDKs build for Azure;
///         docs/upstreams.md.

#include "sluicegate/config/upstream.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <string>
#include <string_view>

namespace sluicegate::provider {

/// With an api_version the dated API is asked, except behind a prefix that ends in "/openai/v1".
/// `deployment` is the upstream's name for the model.
void append_azure_path(std::string& out, const config::Upstream& upstream, std::string_view prefix,
                       openai::Endpoint asked, std::string_view deployment);

/// "/openai/deployments/gpt-4o/chat/completions": behind the address of the resource, before the
/// query. `deployment` may hold any byte; what is not unreserved (RFC 3986, 2.3) is encoded.
/// Endpoints that find their deployment by the body's `model` have none in their path:
/// "/openai/responses".
void append_dated_path(std::string& out, openai::Endpoint asked, std::string_view deployment);

}  // namespace sluicegate::provider
