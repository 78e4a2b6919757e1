#pragma once
/// The header of the PROXY protocol, versions 1 and 2, with which a proxy names the client of a
/// connection before the client's first byte.
///
/// Reading  proxy_header_missing() never asks for a byte that belongs to the client, so the reader
///          needs no room for what follows.
/// Strict   what the specification does not allow is an error. The checksum is compared where the
///          header has one.
/// Errors   bad_request, with the reason.
/// Source   https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt

#include "sluicegate/base/result.hpp"
#include "sluicegate/config/address.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluicegate::client {

/// Of version 2, with its extensions; version 1 has at most 107.
inline constexpr std::size_t proxy_header_bytes_max = 8 * 1024;

/// How many bytes behind `begun` certainly belong to the header; 0 when it is complete. An error
/// comes as soon as `begun` cannot become a header.
[[nodiscard]] Result<std::size_t> proxy_header_missing(std::string_view begun);

/// The client that a complete header names. Nothing for one that names none (LOCAL, UNKNOWN, Unix
/// sockets, datagrams, an unspecified address): then the peer itself is the client.
[[nodiscard]] Result<std::optional<config::IpAddress>> parse_proxy_header(std::string_view header);

}  // namespace sluicegate::client
