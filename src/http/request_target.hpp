#pragma once
/// The request target and the Host field (RFC 9112 section 3.2).

#include "sluicegate/http/method.hpp"

#include "http/flaw.hpp"

#include <string_view>

namespace sluicegate::http {

struct RequestTarget {
    std::string_view origin_form;
    std::string_view path;
    std::string_view query;
    std::string_view authority;  ///< of an absolute-form target; empty otherwise
};

/// Origin-form, absolute-form with http or https, or "*" for OPTIONS.
[[nodiscard]] MaybeFlaw parse_target(std::string_view target, Method method, RequestTarget& out);

/// A host name, IPv4 address or bracketed IPv6 address, with or without a port of 0 … 65535.
/// Narrower than RFC 3986: no percent-encoding and no sub-delims, which no real host name holds.
[[nodiscard]] bool is_host(std::string_view text) noexcept;

}  // namespace sluicegate::http
