#include "sluicegate/net/look_up.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>
#include <system_error>

namespace sluicegate::net {
namespace {

/// More than any name of one service has.
constexpr std::size_t addresses_max = 64;

}  // namespace

HostAddresses look_up(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (failure == EAI_SYSTEM)
        return {.addresses = {}, .error = std::generic_category().message(errno)};
    if (failure != 0) return {.addresses = {}, .error = ::gai_strerror(failure)};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> results(found, ::freeaddrinfo);

    HostAddresses answer;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        boost::asio::ip::tcp::endpoint endpoint;
        if (entry->ai_addrlen > endpoint.capacity()) continue;
        std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
        const auto address = endpoint.address();
        auto& all = answer.addresses;
        const bool is_new = std::find(all.begin(), all.end(), address) == all.end();
        if (is_new && all.size() < addresses_max) all.push_back(address);
    }
    if (answer.addresses.empty()) answer.error = "no address";
    return answer;
}

}  // namespace sluicegate::net
