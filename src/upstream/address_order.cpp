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
    const std::vector<TcpEndpoint> all = interleaved(addresses);
    const std::size_t begin = turn_++ % all.size();
    std::vector<TcpEndpoint> order;
    for (const bool is_distrusted : {false, true}) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            const TcpEndpoint& address = all[(begin + i) % all.size()];
            if (distrusted_.contains(address) == is_distrusted) order.push_back(address);
        }
    }
    return order;
}

}  // namespace sluicegate::upstream
