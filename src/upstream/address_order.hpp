#pragma once
/// In which order the addresses of a name are tried for a new connection.
///
/// Each connection begins with the next address, so that all are used; families alternate; what
/// failed lately, or was too slow to answer, comes last.
/// Threads  one: the worker's.
/// Source   RFC 8305 section 4.

#include "sluicegate/base/clock.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <vector>

namespace sluicegate::upstream {

using TcpEndpoint = boost::asio::ip::tcp::endpoint;

class AddressOrder {
public:
    /// For so long an address that failed is tried last.
    static constexpr Milliseconds distrust = std::chrono::seconds(30);

    /// The same addresses, in the order for the connection that is made now.
    [[nodiscard]] std::vector<TcpEndpoint> next(std::vector<TcpEndpoint> addresses, Instant now);
    void failed(const TcpEndpoint& address, Instant now) { distrusted_[address] = now + distrust; }

private:
    std::size_t turn_ = 0;
    std::map<TcpEndpoint, Instant> distrusted_;  ///< until when
};

}  // namespace sluicegate::upstream
