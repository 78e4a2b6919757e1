#pragma once
/// The paths of Azure's dated API, the one with `api-version` in the query.
///
/// Source  Azure OpenAI REST API reference, data plane; what the OpenAI SDKs build for Azure.

#include "sluicegate/openai/endpoints.hpp"

#include <string>
#include <string_view>

namespace sluicegate::provider {

/// "/openai/deployments/gpt-4o/chat/completions": behind the address of the resource, before the
/// query. `deployment` may hold any byte; what is not unreserved (RFC 3986, 2.3) is encoded.
/// Endpoints that find their deployment by the body's `model` have none in their path:
/// "/openai/responses".
void append_azure_path(std::string& out, openai::Endpoint endpoint, std::string_view deployment);

}  // namespace sluicegate::provider
