#pragma once
/// `upstreams.NAME:`: whom we call, with which credential, and how long we wait.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/secret.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sluicegate::config {

enum class UpstreamKind : std::uint8_t {
    openai,  ///< any server that speaks OpenAI's API
    echo,    ///< the embedded one: no network
};

struct UpstreamTimeouts {
    Milliseconds connect = std::chrono::seconds(3);  ///< name, TCP and TLS together
    Milliseconds first_byte = std::chrono::seconds(120);
    Milliseconds between_bytes = std::chrono::seconds(60);
    Milliseconds total = std::chrono::minutes(15);

    friend bool operator==(const UpstreamTimeouts&, const UpstreamTimeouts&) = default;
};

/// Files as in TlsListener: resolved, seen readable, read anew on each reload.
struct UpstreamTls {
    std::string ca_file;      ///< "": the system's
    std::string server_name;  ///< "": the host of base_url
    std::string client_certificate_file;
    std::string client_key_file;  ///< "" exactly when there is no certificate

    friend bool operator==(const UpstreamTls&, const UpstreamTls&) = default;
};

struct PoolSettings {
    std::size_t idle_max = 32;  ///< idle connections kept by each worker; 0 … 10000
    Milliseconds idle_timeout = std::chrono::seconds(30);

    friend bool operator==(const PoolSettings&, const PoolSettings&) = default;
};

/// The parts of base_url.
struct Endpoint {
    bool tls = false;
    std::string host;  ///< a name or an address, without brackets
    std::uint16_t port = 0;
    std::string path_prefix;  ///< "/v1" or "": no slash at its end

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct EchoSettings {
    Milliseconds delay{0};     ///< before the first byte of an answer
    std::int64_t tokens = 16;  ///< in an answer; 1 … 100000

    friend bool operator==(const EchoSettings&, const EchoSettings&) = default;
};

/// What becomes of the exchange with the upstream when the client has gone.
enum class OnClientDisconnect : std::uint8_t {
    cancel,  ///< the connection is closed at once: the upstream stops working
    drain,   ///< the answer is read to its end, for its usage
};

struct Upstream {
    std::string name;
    UpstreamKind kind = UpstreamKind::openai;
    Endpoint endpoint;              ///< kind openai
    std::optional<Secret> api_key;  ///< kind openai; visible ASCII, safe as a field value
    UpstreamTimeouts timeouts;
    UpstreamTls tls;                                                       ///< kind openai
    PoolSettings pool;                                                     ///< kind openai
    EchoSettings echo;                                                     ///< kind echo
    OnClientDisconnect on_client_disconnect = OnClientDisconnect::cancel;  ///< kind openai
    /// With `drain`: how long an answer nobody waits for is read at most. 1 ms … 1 h.
    Milliseconds drain_usage = std::chrono::seconds(30);
    /// Whether it takes `stream_options` (kind openai). Absent: it is tried, and a refusal is
    /// remembered.
    std::optional<bool> stream_options = std::nullopt;
    /// Streams are asked for `continuous_usage_stats`: usage on every chunk, as vLLM has it.
    bool continuous_usage = false;

    friend bool operator==(const Upstream&, const Upstream&) = default;
};

/// `https://host:port/prefix`, for logs.
[[nodiscard]] std::string url_of(const Endpoint& endpoint);

}  // namespace sluicegate::config
