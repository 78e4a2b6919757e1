#pragma once
/// One look-up by the system's resolver.

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <string>
#include <vector>

namespace sluicegate::net {

struct HostAddresses {
    /// In the order of preference (RFC 6724), IPv6 and IPv4, each once. Empty: see `error`.
    std::vector<boost::asio::ip::address> addresses;
    std::string error;  ///< why there are no addresses
};

/// Blocks as long as the system's resolver does. It is called on detached threads.
using LookUp = std::function<HostAddresses(const std::string& host)>;

/// getaddrinfo(3).
[[nodiscard]] HostAddresses look_up(const std::string& host);

}  // namespace sluicegate::net
