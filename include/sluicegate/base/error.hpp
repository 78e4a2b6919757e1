#pragma once
/// What went wrong, as a value: the kind, a sentence for the log, and what a reply may name.
///
/// All that a kind means is in its row of base/failure_table.hpp.

#include "sluicegate/base/upstream_words.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate {

enum class ErrorKind : std::uint8_t {
    // The client's request, as HTTP.
    bad_request,         ///< malformed, or framing that two parsers could read differently
    header_too_large,    ///< the head as a whole, or too many fields
    uri_too_long,        ///< the request line
    request_timeout,     ///< head or body did not arrive before its deadline
    expectation_failed,  ///< Expect other than 100-continue
    request_too_large,   ///< body beyond server.max_body, or that grows too much when decoded
    unsupported_media_type,
    unsupported_encoding,  ///< a Content-Encoding that is not known, or several
    unknown_url,
    method_not_supported,
    websocket_not_supported,
    http_version_not_supported,  ///< HTTP/2 that was not asked for
    tls_required,                ///< plain HTTP on a listener with TLS
    origin_not_allowed,          ///< a preflight for a page of an origin that is not listed
    // The client's credentials.
    missing_api_key,
    invalid_authorization_header,  ///< wrong scheme, or no characters of a key
    different_api_keys,            ///< more than one key
    invalid_api_key,
    mistyped_api_key,  ///< unknown, and its checksum is wrong
    api_key_expired,
    ip_not_allowed,
    auth_rate_limited,  ///< it failed, like many others from its address in the last minute
    // The client's request, as JSON or multipart.
    empty_body,
    invalid_json,
    invalid_body,
    duplicate_field,
    misspelt_field,            ///< a known name in another spelling, which some servers take for it
    field_not_allowed,         ///< the body policy of the model or of its upstreams denies it
    background_not_supported,  ///< the same, of `background`: it gets words of its own
    invalid_type,
    missing_model,
    model_mismatch,               ///< the URL and the body name different models
    previous_response_not_found,  ///< made by another user
    conversation_not_found,       ///< the same
    model_not_found,              ///< unknown, or not allowed for this key: one answer for both
    // Limits.
    rate_limited,
    // Upstreams.
    upstream_unreachable,  ///< DNS, connect or TLS failed
    upstream_connect_timeout,
    upstream_timeout,       ///< no first byte in time
    upstream_idle_timeout,  ///< too long between two bytes
    upstream_total_timeout,
    upstream_closed,        ///< closed before its answer was complete
    upstream_bad_response,  ///< not HTTP, or not what was asked for
    upstream_failed,        ///< it answered with a 5xx of its own
    upstream_auth,          ///< it refused our credential
    upstream_forbidden,     ///< 403: it refused our account, or this one request
    upstream_quota,
    upstream_rate_limited,
    upstream_overloaded,
    upstream_unknown_model,    ///< it does not have the model that the configuration names
    upstream_not_found,        ///< 404 or 405: it does not serve the path that it was asked for
    upstream_not_implemented,  ///< 501
    upstream_refused,          ///< two endpoints failed with the same status and message
    upstream_rejected,         ///< a 4xx that the client caused; its (normalised) body is passed on
    no_upstream,               ///< nothing to route to right now
    // Us.
    overloaded,
    draining,
    internal,
    // Not answered at all.
    client_gone,
    count_  ///< number of kinds, not a kind
};

/// What a request asks too much of one upstream, while another may give it.
enum class FallbackReason : std::uint8_t { none, context_length, unsupported_parameter };

enum class Fault : std::uint8_t { client, upstream, us };

/// snake_case name for logs and metrics; stable, part of the documented log format.
[[nodiscard]] std::string_view name_of(ErrorKind kind) noexcept;
[[nodiscard]] Fault fault_of(ErrorKind kind) noexcept;

struct Error {
    ErrorKind kind = ErrorKind::internal;
    /// Of an upstream's failure that the request itself may have caused: its type or code says so.
    bool names_request = false;
    /// Of an upstream's failure whose words say so.
    FallbackReason fallback_reason = FallbackReason::none;
    /// The status of such a failure; 0 for any other.
    std::uint16_t refused_with = 0;
    /// For the log. Never shown to a client; holds no credential and no prompt.
    std::string detail;
    /// What the reply may show to the client: a model, a parameter or "METHOD PATH" that it sent,
    /// or the bounded words of an upstream's own error.
    std::string subject;
    /// What the upstream said and the reply may repeat.
    UpstreamWords upstream_words = {};
    /// How long to wait before trying again; zero when nothing is known.
    std::chrono::milliseconds retry_after{0};
};

}  // namespace sluicegate
