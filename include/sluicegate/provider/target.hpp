#pragma once
/// The request target for an upstream: its own path, and the part of the client's query that may
/// pass.

#include "sluicegate/config/upstream.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::provider {

/// "/v1/chat/completions?beta=true", in origin form (RFC 9112, 3.2.1). `endpoint` is an index into
/// `upstream.endpoints`; it does not matter for a kind without any. `model` is the upstream's name
/// for the model; it may hold any byte. `query` is the client's, without its question mark.
/// Only `api-version` and `beta` pass, each once, written plainly and with a plain value; names are
/// compared decoded. The API version of an Azure client stays here: the configured one counts.
void append_target(std::string& out, const config::Upstream& upstream, std::size_t endpoint,
                   openai::Endpoint asked, std::string_view model, std::string_view query);

}  // namespace sluicegate::provider
