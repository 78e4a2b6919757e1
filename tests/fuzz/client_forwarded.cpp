/// X-Forwarded-For and Forwarded, one "name:value" a line: the client is always an address that a
/// trusted proxy has named, or the peer; and what a proxy appends decides, whatever stood before.

#include "sluicegate/client/forwarded.hpp"

#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate;
    using config::AddressRange;
    using config::IpAddress;
    using fuzz::require;
    static const std::vector<AddressRange> trusted{*AddressRange::parse("10.0.0.0/8"),
                                                   *AddressRange::parse("::1")};
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const fuzz::GrowthCheck growth(
        size, {.base_bytes = 100'000, .held_per_byte = 20, .taken_per_byte = 40});
    const IpAddress peer = *IpAddress::parse("10.0.0.1");
    http::FieldTable fields;
    http::FieldTable appended;
    std::vector<std::string> longer;
    longer.reserve(http::FieldTable::capacity);
    for (std::string_view rest = input; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = line.substr(colon + 1);
        if (!fields.add(name, value)) break;
        longer.push_back(std::string(value) + ", for=203.0.113.9;proto=https");
        require(appended.add(name, longer.back()), "both tables hold the same");
    }
    const IpAddress client = client::client_behind(peer, trusted, fields);
    require(!client.is_unspecified(), "a client is a host");
    const bool is_proxy = config::contains_any(trusted, client);
    require(client == peer || !is_proxy || input.find("10.") != std::string_view::npos ||
                input.find(':') != std::string_view::npos,
            "an address is one that was sent");
    if (!fields.find("x-forwarded-for") && fields.find("forwarded")) {
        require(client::client_behind(peer, trusted, appended).text() == "203.0.113.9",
                "what the proxy has appended decides");
    }
    const auto hop = client::address_of_hop(input);
    require(!hop || input.find(hop->is_v4() ? '.' : ':') != std::string_view::npos ||
                input.find(':') != std::string_view::npos,
            "an address is written as one");
    return 0;
}
