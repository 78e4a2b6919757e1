#include "sluicegate/base/error.hpp"

#include <array>
#include <cstddef>

namespace sluicegate {
namespace {

struct KindFacts {
    ErrorKind kind;
    std::string_view name;
    Fault fault;
    bool may_retry;
};

constexpr std::size_t kind_count = static_cast<std::size_t>(ErrorKind::count_);

constexpr std::array<KindFacts, kind_count> facts{{
    {ErrorKind::bad_request, "bad_request", Fault::client, false},
    {ErrorKind::header_too_large, "header_too_large", Fault::client, false},
    {ErrorKind::uri_too_long, "uri_too_long", Fault::client, false},
    {ErrorKind::request_timeout, "request_timeout", Fault::client, false},
    {ErrorKind::expectation_failed, "expectation_failed", Fault::client, false},
    {ErrorKind::request_too_large, "request_too_large", Fault::client, false},
    {ErrorKind::unsupported_media_type, "unsupported_media_type", Fault::client, false},
    {ErrorKind::unsupported_encoding, "unsupported_encoding", Fault::client, false},
    {ErrorKind::unknown_url, "unknown_url", Fault::client, false},
    {ErrorKind::method_not_supported, "method_not_supported", Fault::client, false},
    {ErrorKind::websocket_not_supported, "websocket_not_supported", Fault::client, false},
    {ErrorKind::missing_api_key, "missing_api_key", Fault::client, false},
    {ErrorKind::invalid_authorization_header, "invalid_authorization_header", Fault::client, false},
    {ErrorKind::invalid_api_key, "invalid_api_key", Fault::client, false},
    {ErrorKind::api_key_expired, "api_key_expired", Fault::client, false},
    {ErrorKind::ip_not_allowed, "ip_not_allowed", Fault::client, false},
    {ErrorKind::invalid_json, "invalid_json", Fault::client, false},
    {ErrorKind::invalid_body, "invalid_body", Fault::client, false},
    {ErrorKind::duplicate_field, "duplicate_field", Fault::client, false},
    {ErrorKind::invalid_type, "invalid_type", Fault::client, false},
    {ErrorKind::missing_model, "missing_model", Fault::client, false},
    {ErrorKind::model_not_found, "model_not_found", Fault::client, false},
    {ErrorKind::rate_limited, "rate_limited", Fault::client, false},
    {ErrorKind::upstream_unreachable, "upstream_unreachable", Fault::upstream, true},
    {ErrorKind::upstream_connect_timeout, "upstream_connect_timeout", Fault::upstream, true},
    {ErrorKind::upstream_timeout, "upstream_timeout", Fault::upstream, true},
    {ErrorKind::upstream_idle_timeout, "upstream_idle_timeout", Fault::upstream, true},
    {ErrorKind::upstream_total_timeout, "upstream_total_timeout", Fault::upstream, true},
    {ErrorKind::upstream_closed, "upstream_closed", Fault::upstream, true},
    {ErrorKind::upstream_bad_response, "upstream_bad_response", Fault::upstream, true},
    {ErrorKind::upstream_failed, "upstream_failed", Fault::upstream, true},
    {ErrorKind::upstream_auth, "upstream_auth", Fault::upstream, true},
    {ErrorKind::upstream_forbidden, "upstream_forbidden", Fault::upstream, true},
    {ErrorKind::upstream_quota, "upstream_quota", Fault::upstream, true},
    {ErrorKind::upstream_rate_limited, "upstream_rate_limited", Fault::upstream, true},
    {ErrorKind::upstream_overloaded, "upstream_overloaded", Fault::upstream, true},
    {ErrorKind::upstream_unknown_model, "upstream_unknown_model", Fault::upstream, true},
    {ErrorKind::upstream_rejected, "upstream_rejected", Fault::client, false},
    {ErrorKind::no_upstream, "no_upstream", Fault::upstream, false},
    {ErrorKind::overloaded, "overloaded", Fault::us, false},
    {ErrorKind::draining, "draining", Fault::us, false},
    {ErrorKind::internal, "internal", Fault::us, false},
    {ErrorKind::client_gone, "client_gone", Fault::client, false},
}};

constexpr bool rows_stand_in_order() {
    for (std::size_t i = 0; i < facts.size(); ++i) {
        if (facts[i].kind != static_cast<ErrorKind>(i)) return false;
    }
    return true;
}
static_assert(rows_stand_in_order(), "one row for each ErrorKind, in the order of the enum");

const KindFacts& facts_of(ErrorKind kind) noexcept {
    return facts[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string_view name_of(ErrorKind kind) noexcept {
    return facts_of(kind).name;
}
Fault fault_of(ErrorKind kind) noexcept {
    return facts_of(kind).fault;
}
bool may_retry(ErrorKind kind) noexcept {
    return facts_of(kind).may_retry;
}

}  // namespace sluicegate
