#include "config/sections.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <utility>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t listeners_max = 64;
constexpr Range<std::int64_t> threads_range{1, 256};
constexpr Range<std::int64_t> body_bytes_range{1 << 10, 1 << 30};
constexpr Range<std::int64_t> header_bytes_range{1 << 10, 1 << 20};
constexpr Range<std::int64_t> memory_bytes_range{1 << 20, std::int64_t{1} << 40};
constexpr Range<std::int64_t> connections_range{1, 1'000'000};
constexpr Range<std::int64_t> auth_failures_range{1, 10'000};
constexpr Range<Milliseconds> client_timeout_range{1ms, 24h};
constexpr Range<Milliseconds> drain_range{0ms, 24h};

constexpr std::string_view address_advice =
    "must be an IP address and a port, such as 0.0.0.0:8080 or [::1]:8080";

TlsListener certificate_of(const MapReader& map) {
    TlsListener tls;
    static_cast<void>(map.require("certificate"));
    static_cast<void>(map.require("private_key"));
    map.key_pair("certificate", tls.certificate_file, "private_key", tls.private_key_file);
    return tls;
}

TlsListener parse_listener_tls(Context& context, const Value& at) {
    const MapReader map(context, at, Section::listener_tls);
    TlsListener tls = certificate_of(map);
    map.certificates("client_ca", tls.client_ca_file);
    return tls;
}

Listener parse_listener(Context& context, const Value& at) {
    const MapReader map(context, at, Section::listener);
    Listener listener;
    if (const auto address = map.require("address")) {
        listener = parse_listen_address(context, *address).value_or(Listener{});
    }
    if (const auto tls = map.find("tls")) listener.tls = parse_listener_tls(context, *tls);
    map.boolean("proxy_protocol", listener.has_proxy_protocol);
    return listener;
}

void parse_listeners(Context& context, const Value& at, std::vector<Listener>& into) {
    for_each_element(context, at, listeners_max, "one listener", [&](const Value& element) {
        Listener listener = parse_listener(context, element);
        const bool is_taken = std::ranges::any_of(into, [&](const Listener& other) {
            return listener.port != 0 && other.host == listener.host && other.port == listener.port;
        });
        if (is_taken) add_problem(context, element, "listens on an address that is listed already");
        into.push_back(std::move(listener));
    });
}

unsigned parse_threads(Context& context, const Value& at) {
    const auto text = read_text(context, at);
    if (!text || text->text == "auto") return 0;
    if (!parse_integer(text->text)) {
        add_problem(context, at, "must be auto or a number of threads" + got(*text));
        return 0;
    }
    return static_cast<unsigned>(read_count(context, at, threads_range).value_or(0));
}

/// A count, or `off`, which is the same as 0.
template <std::integral Integer>
void count_or_off(Context& context, const MapReader& map, std::string_view key,
                  const Range<std::int64_t>& range, Integer& into) {
    const auto at = map.find(key);
    if (!at) return;
    const auto text = read_text(context, *at);
    if (!text) return;
    const auto count = says_off(*text) ? 0 : parse_integer(text->text);
    if (!count || (*count != 0 && (*count < range.smallest || *count > range.largest))) {
        add_problem(context, *at,
                    "must be off or " + std::to_string(range.smallest) + " … " +
                        std::to_string(range.largest) + got(*text));
        return;
    }
    into = static_cast<Integer>(*count);
}

void parse_timeouts(Context& context, const Value& at, ServerTimeouts& timeouts) {
    const MapReader map(context, at, Section::server_timeouts);
    map.duration("header", client_timeout_range, timeouts.header);
    map.duration("body", client_timeout_range, timeouts.body);
    map.duration("idle", client_timeout_range, timeouts.idle);
    map.duration("drain", drain_range, timeouts.drain);
}

}  // namespace

TlsListener parse_admin_tls(Context& context, const Value& at) {
    return certificate_of(MapReader(context, at, Section::admin_tls));
}

std::optional<Listener> parse_listen_address(Context& context, const Value& at) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    const std::string_view whole = text->text;
    const std::size_t colon = whole.rfind(':');
    if (colon == std::string_view::npos) {
        add_problem(context, at, std::string(address_advice) + got(*text));
        return std::nullopt;
    }
    std::string_view host = whole.substr(0, colon);
    const bool has_brackets = host.starts_with('[') && host.ends_with(']');
    if (has_brackets) host = host.substr(1, host.size() - 2);
    const bool is_v6 = host.find(':') != std::string_view::npos;
    const auto address = IpAddress::parse(host);
    if (!address || has_brackets != is_v6) {
        add_problem(context, at, std::string(address_advice) + got(*text));
        return std::nullopt;
    }
    const auto port = parse_integer(whole.substr(colon + 1));
    if (!port || *port < 0 || *port > 65535) {
        add_problem(context, at, "must have a port of 0 … 65535" + got(*text));
        return std::nullopt;
    }
    return Listener{
        .host = address->text(), .port = static_cast<std::uint16_t>(*port), .tls = std::nullopt};
}

Server parse_server(Context& context, const Value& at) {
    const MapReader map(context, at, Section::server);
    Server server;
    if (const auto listen = map.require("listen")) {
        parse_listeners(context, *listen, server.listen);
    }
    if (const auto threads = map.find("threads")) {
        server.threads = parse_threads(context, *threads);
    }
    map.size("max_body", body_bytes_range, server.body_bytes_max);
    map.size("max_header", header_bytes_range, server.header_bytes_max);
    map.size("memory", memory_bytes_range, server.memory_bytes_max);
    if (server.memory_bytes_max < server.body_bytes_max) {
        add_problem(context, map.find("memory").value_or(map.at()),
                    "must be at least max_body, " +
                        size_text(static_cast<std::int64_t>(server.body_bytes_max)) + ", got " +
                        size_text(static_cast<std::int64_t>(server.memory_bytes_max)));
    }
    map.count("max_connections", connections_range, server.connections_max);
    count_or_off(context, map, "max_connections_per_address", connections_range,
                 server.connections_per_address_max);
    count_or_off(context, map, "max_in_flight", connections_range, server.in_flight_max);
    count_or_off(context, map, "auth_failures_per_minute", auth_failures_range,
                 server.auth_failures_per_minute);
    if (const auto proxies = map.find("trusted_proxies")) {
        parse_ranges(context, *proxies, "one range (leave it out to trust no proxy)",
                     server.trusted_proxies);
    }
    if (const auto cors = map.find("cors")) server.cors = parse_cors(context, *cors);
    map.boolean("tell_upstream", server.tells_upstream);
    if (const auto timeouts = map.find("timeouts")) {
        parse_timeouts(context, *timeouts, server.timeouts);
    }
    return server;
}

}  // namespace sluicegate::config
