#include "upstream/address_order.hpp"

#include <algorithm>

namespace sluicegate::upstream {
namespace {

/// Alternates between the families, beginning with that of the first address.
std::vector<TcpEndpoint> interleaved(const std::vector<TcpEndpoint>& addresses) {
    const bool begins_with_v6 = addresses.front().address().is_v6();
    std::vector<TcpEndpoint> first;
    std::vector<TcpEndpoint> second;
    for (const TcpEndpoint& address : addresses) {
        (address.address().is_v6() == begins_with_v6 ? first : second).push_back(address);
    }
    std::vector<TcpEndpoint> mixed;
    for (std::size_t i = 0; mixed.size() < addresses.size(); ++i) {
        if (i < first.size()) mixed.push_back(first[i]);
        if (i < second.size()) mixed.push_back(second[i]);
    }
    return mixed;
}

}  // namespace

std::vector<TcpEndpoint> AddressOrder::next(std::vector<TcpEndpoint> addresses, Instant now) {
    if (addresses.size() < 2) return addresses;
    std::erase_if(distrusted_, [now](const auto& entry) { return entry.second <= now; });
    // Name servers shuffle their answers; sorted, the turn means the same address each time.
    std::sort(addresses.begin(), addresses.end());
    std::vector<TcpEndpoint> order = interleaved(addresses);
    const auto begin = static_cast<std::ptrdiff_t>(turn_++ % order.size());
    std::rotate(order.begin(), order.begin() + begin, order.end());
    std::stable_partition(order.begin(), order.end(), [this](const TcpEndpoint& address) {
        return !distrusted_.contains(address);
    });
    return order;
}

}  // namespace sluicegate::upstream
