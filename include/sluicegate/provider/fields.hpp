#pragma once
/// The fields of an upstream request that are the same for every request to one of its endpoints.

#include "sluicegate/base/secret.hpp"
#include "sluicegate/config/upstream.hpp"

#include <cstddef>
#include <string_view>

namespace sluicegate::provider {

/// Host, credential, User-Agent, Accept-Encoding, the fields of the upstream's kind and the
/// configured ones, each once and with its line end. A configured field replaces the gateway's own.
/// Secret, because the upstream's API key is among them. `endpoint` is an index into
/// `upstream.endpoints`; it does not matter for a kind without any.
[[nodiscard]] Secret fixed_fields(const config::Upstream& upstream, std::size_t endpoint = 0);

/// The User-Agent of requests that carry no other. Where the client's may pass (`pass_headers`),
/// it is none of the fixed fields.
extern const std::string_view own_user_agent;

/// Whether the operator has set the field `name` (in lower case) for every request.
[[nodiscard]] bool sets_field(const config::Upstream& upstream, std::string_view name) noexcept;

}  // namespace sluicegate::provider
