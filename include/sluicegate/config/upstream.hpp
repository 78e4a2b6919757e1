#pragma once
/// `upstreams.NAME:`: a server or provider that we call, our credential, and how long we wait.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/secret.hpp"
#include "sluicegate/config/body_policy.hpp"
#include "sluicegate/config/upstream_kind.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::config {

struct UpstreamTimeouts {
    Milliseconds connect = std::chrono::seconds(3);      ///< name, TCP and TLS together
    Milliseconds first_byte = std::chrono::minutes(10);  ///< as long as SDKs wait
    Milliseconds between_bytes = std::chrono::seconds(60);
    Milliseconds total = std::chrono::minutes(15);

    friend bool operator==(const UpstreamTimeouts&, const UpstreamTimeouts&) = default;
};

/// Files as in TlsListener: resolved, checked, and read again on each reload.
struct UpstreamTls {
    std::string ca_file;      ///< "": the system's
    std::string server_name;  ///< "": the host of base_url
    std::string client_certificate_file;
    std::string client_key_file;  ///< "" exactly when there is no certificate

    friend bool operator==(const UpstreamTls&, const UpstreamTls&) = default;
};

struct PoolSettings {
    // For each endpoint of each worker.
    /// Idle connections that are kept, 0 … 10000; absent: as many as there are.
    std::optional<std::size_t> idle_max = std::nullopt;
    Milliseconds idle_timeout = std::chrono::seconds(30);
    /// An older connection takes no further request, so that new addresses of a name are used.
    Milliseconds age_max = std::chrono::minutes(10);
    std::size_t prewarm =
        0;  ///< connections that are opened in advance; at most idle_max, or 10000

    friend bool operator==(const PoolSettings&, const PoolSettings&) = default;
};

/// The parts of a base URL: the address of one server of an upstream.
struct Endpoint {
    bool tls = false;
    /// A name in lower case, or an address without brackets; "localhost" for a Unix socket.
    std::string host;
    std::uint16_t port = 0;        ///< 80 for a Unix socket, so that the Host field is bare
    std::string path_prefix;       ///< "/v1" or "": no slash at its end
    std::string unix_socket = "";  ///< absolute path; "": TCP

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct EchoSettings {
    Milliseconds delay{0};     ///< before the first byte of an answer
    std::int64_t tokens = 16;  ///< in an answer; 1 … 100000

    friend bool operator==(const EchoSettings&, const EchoSettings&) = default;
};

/// What happens to the upstream's request when the client has left.
enum class OnClientDisconnect : std::uint8_t {
    cancel,  ///< the connection is closed at once: the upstream stops working
    drain,   ///< the answer is read to its end, for its usage
};

/// What happens to a request when every endpoint is at max_in_flight.
enum class OnFull : std::uint8_t {
    spill,  ///< the next entry of the route takes it at once
    queue,  ///< it waits in a queue, then the next entry takes it
};

struct QueueSettings {
    std::size_t waiting_max = 100;  ///< key max_waiting; 1 … 100000
    Milliseconds timeout = std::chrono::seconds(5);

    friend bool operator==(const QueueSettings&, const QueueSettings&) = default;
};

/// A request that each endpoint gets regularly, idle or not.
struct HealthCheck {
    std::string path;   ///< GET, from the root of the server: "/health"; "" with a model
    std::string model;  ///< a completion of one token by this model; "" with a path
    Milliseconds every = std::chrono::seconds(5);
    Milliseconds timeout = std::chrono::seconds(2);
    unsigned unhealthy_after = 2;  ///< failures in a row; 1 … 100
    unsigned healthy_after = 1;    ///< successes in a row; 1 … 100

    friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// When an endpoint gets no requests for a while because requests failed there.
struct BreakerSettings {
    Milliseconds window = std::chrono::seconds(10);
    unsigned requests_min = 10;     ///< in a window, before its share of failures counts
    unsigned error_percent = 50;    ///< 1 … 100; that share
    unsigned connect_failures = 3;  ///< in a row
    Milliseconds open_for = std::chrono::seconds(5);  ///< doubled after each failed probe, up to …
    Milliseconds open_max = std::chrono::minutes(1);

    friend bool operator==(const BreakerSettings&, const BreakerSettings&) = default;
};

/// A header field for every request to an upstream.
struct ExtraField {
    std::string name;  ///< lower case
    Secret value;      ///< safe as a field value

    friend bool operator==(const ExtraField&, const ExtraField&) = default;
};

/// The most that all users together may use of an account in a window of the limiter.
struct Ceilings {
    std::optional<std::int64_t> rpm = std::nullopt;
    std::optional<std::int64_t> tpm = std::nullopt;

    friend bool operator==(const Ceilings&, const Ceilings&) = default;
};

/// An HTTP proxy that tunnels (CONNECT, RFC 9110, 9.3.6).
struct Proxy {
    std::string host;
    std::uint16_t port = 0;
    std::optional<Secret> authorization = std::nullopt;  ///< what follows `Basic `

    friend bool operator==(const Proxy&, const Proxy&) = default;
};

/// Only name, kind, timeouts, breaker, body and echo apply to kinds without an address.
struct Upstream {
    std::string name;
    UpstreamKind kind = UpstreamKind::openai;
    std::vector<Endpoint> endpoints;  ///< 1 … 64, each once; none for echo
    std::optional<Secret> api_key;    ///< visible ASCII, safe as a field value
    /// Lower case. The value is the key alone; in "authorization" it is "Bearer " and the key.
    std::string api_key_header = "authorization";
    std::vector<ExtraField> headers = {};
    /// Of a client, which reach the upstream too: names in lower case; one that ends in `*` stands
    /// for all that begin so. may_pass_header() says which never do.
    std::vector<std::string> pass_headers = {};
    std::string api_version = "";  ///< azure: "2024-10-21" takes the dated paths; "" the v1 API
    /// Upstreams of one account share its cool-down and its known quota. "": upstreams with the
    /// same server and key have one account.
    std::string account = "";
    Ceilings limits = {};
    std::optional<std::uint32_t> in_flight_max = std::nullopt;  ///< per endpoint; 1 … 1000000
    OnFull on_full = OnFull::spill;
    QueueSettings queue = {};
    /// How many first bytes of the messages choose the preferred endpoint; 0: there is none.
    std::size_t prefix_affinity = 0;
    std::optional<HealthCheck> health = std::nullopt;
    BreakerSettings breaker = {};
    std::optional<Proxy> proxy = std::nullopt;
    UpstreamTimeouts timeouts;
    UpstreamTls tls;
    PoolSettings pool;
    EchoSettings echo;  ///< kind echo
    OnClientDisconnect on_client_disconnect = OnClientDisconnect::cancel;
    /// With `drain`: how long an answer is read after its client has left. 1 ms … 1 h.
    Milliseconds drain_usage = std::chrono::seconds(30);
    /// Whether the upstream accepts `stream_options`. Absent: they are sent until a refusal, which
    /// is remembered.
    std::optional<bool> stream_options = std::nullopt;
    /// Streams request `continuous_usage_stats`: usage in every chunk, as in vLLM.
    bool continuous_usage = false;
    BodyPolicy body = {};

    friend bool operator==(const Upstream&, const Upstream&) = default;
};

/// `https://host:port/prefix` or `http://unix:/path:/prefix`, for logs and labels.
[[nodiscard]] std::string url_of(const Endpoint& endpoint);

}  // namespace sluicegate::config
