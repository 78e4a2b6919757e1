// A reload adds, moves, changes and removes listeners; sockets of the service manager outlive the
// process.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace sluicegate::support {
namespace {

std::uint16_t free_port() {
    const FakeUpstream other;
    const std::string url = other.base_url();
    const std::size_t from = url.find(':', url.find("//") + 2) + 1;
    return static_cast<std::uint16_t>(std::stoi(url.substr(from)));
}

int status_at(std::uint16_t port) {
    try {
        TestClient client(port);
        client.send(chat_request(alice_key, "m"));
        return client.read_response().status;
    } catch (const std::system_error&) {
        return 0;
    }
}

std::string second_listener(std::uint16_t port, const std::string& tls = {}) {
    return "    - address: 127.0.0.1:" + std::to_string(port) + "\n" + tls;
}

TEST(ListenersReload, AddsMovesAndRemovesOneWithoutTouchingTheOthers) {
    const FakeUpstream upstream;
    const ConfigText config(upstream.base_url());
    Gateway gateway(config);
    TestClient kept = gateway.connect();
    const auto asks = [&] {
        kept.send(chat_request(alice_key, "m"));
        expect_success(kept.read_response());
    };
    asks();
    const std::uint16_t first = free_port();
    const std::uint16_t second = free_port();
    ConfigText more = config;
    more.listener_tls = second_listener(first);
    EXPECT_EQ(gateway.daemon().reload(more.text()).value("event", ""), "reloaded");
    EXPECT_EQ(status_at(first), 200);
    asks();

    more.listener_tls = second_listener(second);
    EXPECT_EQ(gateway.daemon().reload(more.text()).value("changes", 0), 1);
    EXPECT_EQ(status_at(first), 0) << "it has moved";
    EXPECT_EQ(status_at(second), 200);
    asks();

    EXPECT_EQ(gateway.daemon().reload(config.text()).value("event", ""), "reloaded");
    EXPECT_EQ(status_at(second), 0);
    EXPECT_EQ(status_at(gateway.port()), 200);
    asks();
}

TEST(ListenersReload, ARemovedOneDrains) {
    Signal go;
    FakeUpstream upstream;
    upstream.answer(Script()
                        .send(sse_head() + chunk(chat_event("one")))
                        .wait(go)
                        .send(chunk(done_event) + chunk("")));
    const ConfigText config(upstream.base_url());
    const std::uint16_t port = free_port();
    ConfigText more = config;
    more.listener_tls = second_listener(port);
    Gateway gateway(more);
    TestClient idle(port);
    idle.send(request("GET", "/v1/models", bearer(alice_key)));
    expect_success(idle.read_response("GET"));
    TestClient stream(port);
    stream.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(stream.read_head().status, 200);
    ASSERT_TRUE(stream.read_until("one"));

    gateway.daemon().reload(config.text());
    EXPECT_EQ(idle.read_to_end(), ReadEnd::eof);
    EXPECT_EQ(status_at(port), 0);
    go.raise();
    const Response response = stream.read_rest();
    expect_success(response);
    EXPECT_TRUE(response.body.ends_with(done_event));
    EXPECT_EQ(stream.read_to_end(), ReadEnd::eof) << "its request was the last one there";
    EXPECT_EQ(status_at(gateway.port()), 200);
}

TEST(ListenersReload, AnAddressInUseRefusesTheWholeFile) {
    FakeUpstream upstream;
    const ConfigText config(upstream.base_url());
    Gateway gateway(config);
    const std::string url = upstream.base_url();
    const std::size_t from = url.find(':', url.find("//") + 2) + 1;
    ConfigText taken = config;
    taken.listener_tls = second_listener(static_cast<std::uint16_t>(std::stoi(url.substr(from))));
    taken.models += "  fresh: {route: [{upstream: up}]}\n";
    EXPECT_EQ(gateway.daemon().reload(taken.text()).value("event", ""), "reload_failed");
    EXPECT_NE(gateway.daemon().log().find("server.listen[1].address: cannot listen on"),
              std::string::npos);
    EXPECT_EQ(gateway.chat(alice_key, "fresh").status, 404) << "nothing of it is in force";
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 200);
}

TEST(ListenersReload, ChangesOneToTlsAndEndsItsPlainConnections) {
    const CertificateAuthority authority;
    const FakeUpstream upstream;
    const std::uint16_t port = free_port();
    ConfigText config(upstream.base_url());
    config.listener_tls = second_listener(port);
    Gateway gateway(config, files_of(authority.issue()));
    TestClient plain(port);
    plain.send(request("GET", "/v1/models", bearer(alice_key)));
    expect_success(plain.read_response("GET"));
    config.listener_tls =
        second_listener(port, "      tls: {certificate: chain.pem, private_key: key.pem}\n");
    EXPECT_EQ(gateway.daemon().reload(config.text()).value("event", ""), "reloaded");
    EXPECT_EQ(plain.read_to_end(), ReadEnd::eof);
    EXPECT_EQ(status_at(port), 400) << "it speaks TLS";
    EXPECT_EQ(status_at(gateway.port()), 200);
}

/// Gives the files new contents and reloads; the one change that the log tells of.
std::string change_by_files(Gateway& gateway, const ConfigText& config,
                            const DaemonOptions& options) {
    for (const auto& [name, text] : options.files) {
        gateway.daemon().write_beside_config(name, text);
    }
    const std::size_t from = gateway.daemon().log_size();
    EXPECT_EQ(gateway.daemon().reload(config.text()).value("changes", -1), 1);
    const auto told = gateway.daemon().wait_for_event("config_changed", from);
    return told ? told->value("message", "") : "";
}

TEST(ListenersReload, TellsOfACertificateThatWasReplacedUnderItsName) {
    const CertificateAuthority authority;
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.listener_tls = tls_listener;
    Gateway gateway(config, files_of(authority.issue()));
    const char* const end = "sluicegate_tls_certificate_not_after_seconds";
    EXPECT_GT(metric(gateway, end, {"chain.pem"}), 1'000'000'000);
    EXPECT_EQ(gateway.daemon().reload(config.text()).value("changes", -1), 0);

    const std::string message = change_by_files(gateway, config, files_of(authority.issue()));
    EXPECT_TRUE(message.starts_with("server.listen[1].tls.certificate changed: ")) << message;
    EXPECT_NE(message.find("valid until 2"), std::string::npos) << message;
    EXPECT_EQ(gateway.daemon().reload(config.text()).value("changes", -1), 0);
}

TEST(ListenersReload, TellsOfAuthoritiesAndClientCertificatesThatWereReplaced) {
    const CertificateAuthority authority;
    const CertificateAuthority other;
    const auto files_by = [](const CertificateAuthority& ca) {
        DaemonOptions options = files_of(ca.issue());
        options.files["ca.pem"] = ca.certificate();
        return options;
    };
    struct Row {
        const char* files;
        const char* change;
    };
    const Row rows[] = {
        {"ca_file: ca.pem",
         "upstreams.up.tls changed: the files that it names have other contents"},
        {"ca_file: ca.pem, client_certificate: chain.pem, client_key: key.pem",
         "upstreams.up.tls.client_certificate changed: "},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.files);
        const FakeUpstream upstream(server_context(authority.issue()));
        const ConfigText config(upstream.base_url(), "tls: {" + std::string(row.files) + "}");
        Gateway gateway(config, files_by(authority));
        EXPECT_EQ(gateway.daemon().reload(config.text()).value("changes", -1), 0);
        const std::string message = change_by_files(gateway, config, files_by(other));
        EXPECT_TRUE(message.starts_with(row.change)) << message;
    }
}

/// Asks again and again, each time as `ask` does, and counts what is not answered with 200.
class Asking {
public:
    explicit Asking(std::function<int()> ask)
        : thread_([this, ask = std::move(ask)] {
              while (!is_stopping_) {
                  ++(ask() == 200 ? answered : failed);
              }
          }) {}
    ~Asking() { stop(); }
    void stop() {
        is_stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }

    std::atomic<int> answered{0};
    std::atomic<int> failed{0};

private:
    std::atomic<bool> is_stopping_{false};
    std::thread thread_;
};

TEST(ListenersReload, ChangesOfListenersUpstreamsAndCertificatesUnderLoadFailNothing) {
    const CertificateAuthority authority;
    const FakeUpstream upstreams[2];
    const auto config_of = [&](int round) {
        ConfigText config(upstreams[round % 2].base_url());
        config.listener_tls = tls_listener;
        return config;
    };
    Gateway gateway(config_of(0), files_of(authority.issue()));
    const std::uint16_t tls_port = gateway.daemon().port("client_tls");
    const SslContext trust = client_context(authority.certificate(), "localhost");
    TestClient kept = gateway.connect();
    Asking on_one_connection([&] {
        kept.send(chat_request(alice_key, "m"));
        return kept.read_response().status;
    });
    Asking anew([&] { return status_at(gateway.port()); });
    Asking under_tls([&] {
        TestClient client(tls_port, trust.get(), "localhost");
        client.send(chat_request(alice_key, "m"));
        return client.read_response().status;
    });
    const std::uint16_t ports[2] = {free_port(), free_port()};
    for (int round = 1; round <= 12; ++round) {
        ConfigText config = config_of(round);
        // Without a third listener, with one, with it at another address.
        if (round % 3 != 0) config.listener_tls += second_listener(ports[round % 3 - 1]);
        for (const auto& [name, text] : files_of(authority.issue()).files) {
            gateway.daemon().write_beside_config(name, text);
        }
        const auto told = gateway.daemon().reload(config.text());
        EXPECT_EQ(told.value("event", ""), "reloaded") << told.dump();
        if (round % 3 != 0) {
            EXPECT_EQ(status_at(ports[round % 3 - 1]), 200);
        }
        const int before = under_tls.answered;
        EXPECT_TRUE(eventually([&] { return under_tls.answered > before + 3; }));
    }
    for (Asking* const asking : {&on_one_connection, &anew, &under_tls}) {
        asking->stop();
        EXPECT_EQ(asking->failed, 0);
        EXPECT_GT(asking->answered, 30);
    }
}

TEST(Stopped, SaysHowManyRequestsWereCut) {
    for (const bool is_cut : {false, true}) {
        SCOPED_TRACE(is_cut ? "one" : "none");
        Signal go;
        FakeUpstream upstream;
        upstream.answer(Script().send(sse_head() + chunk(chat_event("one"))).wait(go));
        ConfigText config(upstream.base_url());
        config.timeouts = "{header: 20s, body: 20s, idle: 75s, drain: 200ms}";
        Gateway gateway(config);
        TestClient client = gateway.connect();
        if (is_cut) {
            client.send(chat_request(alice_key, "m", true));
            EXPECT_EQ(client.read_head().status, 200);
        }
        gateway.daemon().signal(SIGTERM);
        const auto line = gateway.daemon().wait_for_event("stopped");
        ASSERT_TRUE(line);
        EXPECT_EQ(line->value("dropped", -1), is_cut ? 1 : 0);
        go.raise();
    }
}

}  // namespace
}  // namespace sluicegate::support
