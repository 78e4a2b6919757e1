#include "sluicegate/config/account_key.hpp"

#include "config/digest.hpp"

#include <string_view>

namespace sluicegate::config {
namespace {

/// 128 bits are enough to distinguish the keys of one server.
constexpr std::size_t digest_digits = 32;

}  // namespace

std::string account_key(const Upstream& upstream) {
    if (!upstream.account.empty()) return upstream.account;
    // The space makes it differ from any name.
    if (upstream.endpoints.empty()) return "upstream " + upstream.name;
    Endpoint server = upstream.endpoints.front();
    server.path_prefix.clear();
    const std::string url = url_of(server);
    if (!upstream.api_key) return url + " without a key";
    std::string keyed = url + '\n';
    keyed += upstream.api_key->reveal();
    return url + " key " + sha256_hex(keyed).substr(0, digest_digits);
}

}  // namespace sluicegate::config
