#pragma once
/// One worker without a thread: its client and its upstream are the test itself, and time stands
/// still. One user, alice, whose key is "sk-alice"; one model, "chat", that the upstream calls
/// "chat-large".

#include "sluicegate/auth/key_hash.hpp"
#include "sluicegate/config/secrets.hpp"
#include "sluicegate/gateway/pipeline.hpp"
#include "sluicegate/worker/worker.hpp"

#include "net/manual_clock.hpp"
#include "net/raw_peer.hpp"
#include "net/running_task.hpp"
#include "net/tls_peer.hpp"
#include "support/answer_with.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::test {

inline std::shared_ptr<const worker::Snapshot> snapshot_with(limit::Plan plan,
                                                             const net::TlsContext& tls,
                                                             const config::Streams& streams,
                                                             MemoryShare& share) {
    config::Config config;
    config.streams = streams;
    config::Upstream upstream;
    upstream.name = "provider";
    upstream.endpoints = {{.tls = true, .host = "api.test", .port = 443, .path_prefix = "/v1"}};
    upstream.api_key = Secret("sk-provider");
    config.upstreams = {upstream};
    config.models = {{.name = "chat",
                      .limits = {},
                      .route = {{.upstream = 0, .weight = 1, .model = "chat-large"}}}};
    config::ApiKey key;
    key.id = "laptop";
    key.sha256 = auth::hash_key("sk-alice");
    config::User user;
    user.name = "alice";
    user.keys = {key};
    config.users = {user};
    auto keys = auth::KeyRing::build(config.users, {.user = [](auto) { return UserId(0); },
                                                    .model = [](auto) { return ModelId(0); }});
    Redaction redaction = config::redaction_of(config.upstreams);
    auto snapshot = std::make_shared<worker::Snapshot>(
        worker::Snapshot{.config = std::move(config),
                         .keys = std::move(keys),
                         .redaction = std::move(redaction),
                         .models = {},
                         .model_index = {{"chat", 0}},
                         .plans = {std::make_shared<std::vector<limit::Plan>>(1, plan)},
                         .user_ids = {UserId(0)},
                         .user_keys = {1},
                         .memory_shares = {&share},
                         .listener_tls = {nullptr, tls},
                         .upstream_tls = {nullptr},
                         .ceilings = {std::nullopt},
                         .routes = {}});
    const config::Config& read = snapshot->config;
    snapshot->routes = route::StateRegistry().plan(read);
    snapshot->models.push_back({.id = ModelId(0),
                                .settings = &read.models[0],
                                .route = snapshot->routes.models[0],
                                .affinity_bytes = 0});
    return snapshot;
}

class InProcessGateway {
public:
    /// `tls` is that of a second listener.
    explicit InProcessGateway(limit::Plan plan = {}, const net::TlsContext& tls = nullptr,
                              const config::Streams& streams = {}) {
        worker.adopt(snapshot_with(plan, tls, streams, alice_share));
        const upstream::Services services{io(), clock, deadlines(), resolver, registry, memory};
        auto& pool = worker.context().snapshot->endpoints.front().front().pool;
        pool = std::make_shared<upstream::Pool>(services, pool->settings(), 0, nullptr, [this] {
            if (refuses_connections) {
                return Result<net::Socket>(fail(ErrorKind::upstream_unreachable, "refused"));
            }
            ConnectedPair pair = unix_pair(io());
            upstreams.push_back(std::move(pair.peer));
            return Result<net::Socket>(std::move(pair.socket));
        });
    }
    ~InProcessGateway() {
        clients.clear();
        upstreams.clear();
        pass(std::chrono::hours(1));
    }
    InProcessGateway(const InProcessGateway&) = delete;
    InProcessGateway& operator=(const InProcessGateway&) = delete;

    /// A new client, whose connection is being served.
    RawPeer& connect() {
        ConnectedPair pair = unix_pair(io());
        worker.accept(std::move(pair.socket), rules_of(0));
        clients.push_back(std::move(pair.peer));
        return clients.back();
    }
    /// The same on the TLS listener; the handshake is the caller's.
    TlsPeer connect_tls() {
        ConnectedPair pair = unix_pair(io());
        worker.accept(std::move(pair.socket), rules_of(1));
        return TlsPeer(std::move(pair.peer));
    }
    [[nodiscard]] net::asio::io_context& io() { return worker.context().client.io; }
    [[nodiscard]] net::Deadlines& deadlines() { return worker.context().client.deadlines; }
    void settle() { test::settle(io()); }
    void pass(Milliseconds time) {
        clock.advance(time);
        deadlines().tick(clock.now());
        settle();
    }

    [[nodiscard]] std::shared_ptr<const client::ListenerRules> rules_of(
        std::size_t listener) const {
        return std::make_shared<const client::ListenerRules>(worker.rules_of(listener));
    }

    ManualClock clock;
    limit::Limiter limiter{{.window = std::chrono::minutes(1), .slots = 1024}};
    metrics::Registry registry;
    client::ConnectionPlaces places{100};
    client::AddressTable addresses{100};
    MemoryBudget memory{std::size_t{1} << 30};
    MemoryShare alice_share;
    worker::Load load{memory, places};
    limit::OutputEstimates output_estimates;
    worker::Worker worker{
        {clock, limiter, output_estimates, registry, places, addresses, load, memory},
        gateway::make_path(registry)};
    net::Resolver resolver{io(), clock};
    std::deque<RawPeer> clients;
    std::deque<RawPeer> upstreams;
    bool refuses_connections = false;  ///< by the upstream
};

inline constexpr std::string_view chat_body = R"({"messages":[],"model":"chat"})";

/// An answer that a client can use.
inline constexpr std::string_view chat_answer =
    R"({"choices":[{"index":0,"message":{"role":"assistant","content":"a"}}]})";
/// A chunk with text, as one chunk of HTTP.
inline constexpr std::string_view text_event =
    "39\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\r\n";
inline constexpr std::string_view stream_body = R"({"messages":[],"model":"chat","stream":true})";

struct ChatRequest {
    std::string_view query = "";
    std::string_view fields = "";
    std::string_view body = chat_body;
    std::string_view version = "1.1";
};

inline std::string chat_request(const ChatRequest& request = {}) {
    std::string text = "POST /v1/chat/completions";
    text += request.query;
    text += " HTTP/";
    text += request.version;
    text += "\r\nhost: gateway\r\nauthorization: Bearer sk-alice\r\n";
    text += "content-type: application/json\r\n";
    text += request.fields;
    text += "content-length: " + std::to_string(request.body.size()) + "\r\n\r\n";
    text += request.body;
    return text;
}

}  // namespace sluicegate::test
