#pragma once
/// Whose request it is that a trusted proxy passes on, by X-Forwarded-For or Forwarded.
///
/// Walk     from the right, because each proxy appends the peer that it had. The first address that
///          is no trusted proxy's is the client's; what stands to the left of it was sent by that
///          client and proves nothing. The walk ends at what is no address (`unknown`, an
///          obfuscated name, garbage): then the proxy that passed it on is the client.
/// Both     X-Forwarded-For decides where it names anything. Most proxies append to it, and pass
///          on a Forwarded as their client wrote it.
/// Source   RFC 7239, 4 to 7.

#include "sluicegate/config/address.hpp"
#include "sluicegate/http/field_table.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace sluicegate::client {

/// `peer` is one of `trusted`; the result when no field names an address.
[[nodiscard]] config::IpAddress client_behind(const config::IpAddress& peer,
                                              std::span<const config::AddressRange> trusted,
                                              const http::FieldTable& fields);

/// The address of one hop: "203.0.113.9", "203.0.113.9:4711", "2001:db8::1", "[2001:db8::1]",
/// "[2001:db8::1]:4711". Nothing for all else, unspecified addresses among it.
[[nodiscard]] std::optional<config::IpAddress> address_of_hop(std::string_view text);

}  // namespace sluicegate::client
