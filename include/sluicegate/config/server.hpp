#pragma once
/// `server:` and `admin:`: the addresses for clients and operators, and the bounds on a client.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/address.hpp"
#include "sluicegate/config/origin.hpp"
#include "sluicegate/config/user.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::config {

/// load() has resolved the paths against the folder of the YAML file and checked that the files can
/// be read. They are read again on each reload.
struct TlsListener {
    std::string certificate_file;  ///< PEM, the chain from the leaf
    std::string private_key_file;  ///< PEM
    std::string client_ca_file{};  ///< PEM; empty: clients need no certificate

    friend bool operator==(const TlsListener&, const TlsListener&) = default;
};

struct Listener {
    std::string host;        ///< an IPv4 or IPv6 address, without brackets
    std::uint16_t port = 0;  ///< 0: the system chooses one
    std::optional<TlsListener> tls;
    /// Every connection begins with a header that names the client (client/proxy_header.hpp).
    bool has_proxy_protocol = false;

    friend bool operator==(const Listener&, const Listener&) = default;
};

struct ServerTimeouts {
    Milliseconds header = std::chrono::seconds(10);  ///< first byte of a request to its last field
    Milliseconds body = std::chrono::seconds(60);    ///< the whole body
    Milliseconds idle = std::chrono::seconds(75);    ///< between two requests of a connection
    Milliseconds drain = std::chrono::seconds(30);   ///< requests may still run after SIGTERM
};

/// What pages of other origins are allowed in a browser (Fetch standard, 3.2).
struct Cors {
    std::vector<OriginPattern> origins;               ///< at least one
    Milliseconds max_age = std::chrono::minutes(10);  ///< a browser keeps an answer to a preflight
};

struct Server {
    std::vector<Listener> listen;  ///< at least one; no two with the same address and port
    unsigned threads = 0;          ///< 0: one for each core; else 1 … 256
    std::size_t body_bytes_max = std::size_t{32} << 20;
    std::size_t header_bytes_max = std::size_t{16} << 10;
    /// Of what clients and upstreams send, at one time; at least body_bytes_max.
    std::size_t memory_bytes_max = std::size_t{1} << 30;
    std::size_t connections_max = 10000;          ///< of all listeners and workers together
    std::size_t connections_per_address_max = 0;  ///< 0: no limit
    std::size_t in_flight_max = 0;                ///< requests with a valid key; 0: no limit
    /// Of one address; beyond it a failed attempt is answered with 429. 0: no limit.
    unsigned auth_failures_per_minute = 60;
    /// Peers whose word is taken for the address of a client. Empty: no peer's.
    std::vector<AddressRange> trusted_proxies;
    std::optional<Cors> cors;    ///< absent: browsers let only pages of the same origin call
    bool tells_upstream = true;  ///< answers have `x-sluicegate-upstream`
    ServerTimeouts timeouts;
};

struct Admin {
    /// Absent: no admin port. Its TLS is `admin.tls`, without client certificates.
    std::optional<Listener> listen;
    std::vector<std::string> hosts;  ///< names that it answers to besides localhost
    std::vector<ApiKey> keys;        ///< id and hash alone; empty: none is needed
    bool show_users = true;          ///< status and metrics may name users; false: never
    bool user_metrics = false;       ///< metrics by user, where show_users allows it
};

}  // namespace sluicegate::config
