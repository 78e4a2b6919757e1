#pragma once
/// Request heads: finding their end, and parsing them. Strict RFC 9112; nothing is repaired.
///
/// Errors   bad_request, header_too_large, uri_too_long, expectation_failed, method_not_supported
///          (CONNECT or an unknown method; subject "METHOD TARGET"). After any of them the start of
///          the next message is unknown: answer and close.
/// Threads  pure functions.
/// Source   RFC 9112 sections 2 to 6 and 9.3, RFC 9110 sections 5, 7.2 and 10.1.1.

#include "sluicegate/base/result.hpp"
#include "sluicegate/http/field_table.hpp"
#include "sluicegate/http/head_limits.hpp"
#include "sluicegate/http/method.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluicegate::http {

/// All views point into the head that was parsed (or to a constant).
struct RequestHead {
    Method method = Method::get;
    /// Origin-form as received, "/v1/models?limit=2", or "*". An absolute-form target is reduced to
    /// origin-form if its authority equals Host.
    std::string_view target;
    std::string_view path;       ///< target before the first '?', still percent-encoded
    std::string_view query;      ///< target after the first '?', empty when there is none
    unsigned minor_version = 1;  ///< 0 or 1
    FieldTable fields;
    Framing framing = Framing::none;   ///< none, content_length or chunked
    std::uint64_t content_length = 0;  ///< 0 … 2^63-1; 0 unless framed by Content-Length
    /// What the client allows (RFC 9112 section 9.3).
    bool keep_alive = true;
    /// HTTP/1.1, `Expect: 100-continue`, and a body follows.
    bool expects_continue = false;
    /// A GET in HTTP/1.1 with `Upgrade: websocket` and `Connection: upgrade` (RFC 6455, 4.1). Every
    /// other offer to upgrade is ignored (RFC 9110, 7.8).
    bool is_websocket_handshake = false;
    std::string_view host;  ///< Host as received; empty only in HTTP/1.0
};

/// Size of the head at the start of `bytes`, its blank line included; 0 while it is incomplete.
///
/// `searched`: how many of `bytes` an earlier call, which returned 0, has seen; 0 at first. One
/// empty line before the request line is skipped (RFC 9112 section 2.2) and counted. Errors are
/// returned as soon as they are certain: control bytes, line ends other than CRLF, a start that is
/// no method, and the bounds of `limits`. The result does not depend on how the bytes were split.
[[nodiscard]] Result<std::size_t> find_request_head_end(std::string_view bytes,
                                                        std::size_t searched,
                                                        const HeadLimits& limits);

/// Parses one complete head as found by find_request_head_end. `out` is reused from request to
/// request; after an error its content means nothing.
[[nodiscard]] Result<void> parse_request_head(std::string_view head, const HeadLimits& limits,
                                              RequestHead& out);

}  // namespace sluicegate::http
