// More clients than there is room for: told so at once, or left waiting, and never fatal.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

TEST(Overload, AConnectionTooManyIs503AndTheOthersServeOn) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.threads = "1";
    config.server_lines = "  max_connections: 4\n";
    Gateway gateway(config);
    std::vector<TestClient> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(gateway.connect());
        clients.back().send(chat_request(alice_key, "m"));
        expect_success(clients.back().read_response());
    }
    TestClient late = gateway.connect();
    late.send(chat_request(alice_key, "m"));
    const Response response = late.read_response();
    expect_error(response, {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
    EXPECT_EQ(response.field("retry-after"), "1");
    EXPECT_EQ(to_lower(response.field("connection")), "close");
    EXPECT_NE(late.read_to_end(), ReadEnd::timeout);
    for (TestClient& client : clients) {
        client.send(chat_request(alice_key, "m"));
        expect_success(client.read_response());
    }
    clients.pop_back();
    EXPECT_TRUE(eventually([&] { return gateway.chat(alice_key, "m").status == 200; }))
        << "room that was given back is used";
}

TEST(Overload, ARequestTooManyIs503AndTheOthersRunOn) {
    Signal go;
    FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.server_lines = "  max_in_flight: 2\n";
    Gateway gateway(config);
    upstream.answer(Script().wait(go).send(chat_answer()));
    std::vector<TestClient> clients;
    for (int i = 0; i < 2; ++i) {
        clients.push_back(gateway.connect());
        clients.back().send(chat_request(alice_key, "m"));
    }
    ASSERT_TRUE(upstream.wait_for_requests(2));
    for (const Response& refused : {gateway.chat(alice_key, "m"), gateway.stream(bob_key, "m"),
                                    gateway.get("/v1/models", bearer(alice_key))}) {
        expect_error(refused,
                     {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
        EXPECT_EQ(refused.field("retry-after"), "1");
    }
    EXPECT_EQ(gateway.chat("sk-wrong", "m").status, 401) << "strangers learn nothing of the load";
    go.raise();
    for (TestClient& client : clients) expect_success(client.read_response());
    EXPECT_TRUE(eventually([&] { return gateway.chat(alice_key, "m").status == 200; }));
}

TEST(Overload, FewDescriptorsAreKeptForThoseWhoShowAKey) {
    const FakeUpstream upstream;
    DaemonOptions options;
    options.descriptors_max = 120;
    Gateway gateway(ConfigText(upstream.base_url()), options);
    std::vector<TestClient> crowd;
    for (int i = 0; i < 150; ++i) {
        crowd.push_back(gateway.connect());
        if (i % 10 == 0) expect_success(gateway.chat(alice_key, "m"));
    }
    for (int i = 0; i < 20; ++i) expect_success(gateway.chat(alice_key, "m"));
    EXPECT_EQ(gateway.daemon().log().find("accept_paused"), std::string::npos);
}

/// 200 descriptors, of which idle connections to an upstream have taken 60.
class IdleUpstreamConnections : public testing::Test {
protected:
    static constexpr int idle = 60;

    void SetUp() override {
        ConfigText config(upstream_.base_url(), "pool: {max_idle: 100, idle_timeout: 60s}");
        config.upstreams += upstream_line("second", second_.base_url());
        config.models += "  n: {route: [{upstream: second}]}\n";
        config.listener_tls = tls_listener;
        DaemonOptions options = files_of(authority_.issue());
        options.descriptors_max = 200;
        gateway_.emplace(config, options);
        Signal go;
        upstream_.answer(Script().wait(go).send(chat_answer()));
        std::vector<TestClient> clients;
        for (int i = 0; i < idle; ++i) {
            clients.push_back(gateway_->connect());
            clients.back().send(chat_request(alice_key, "m"));
        }
        ASSERT_TRUE(upstream_.wait_for_requests(idle));
        go.raise();
        for (TestClient& client : clients) expect_success(client.read_response());
        ASSERT_TRUE(eventually([&] { return idle_connections() == idle; }));
        upstream_.answer(Script().send(chat_answer()));
    }
    [[nodiscard]] double idle_connections() const {
        return metric(*gateway_, "sluicegate_upstream_connections", {"state=\"idle\""});
    }
    void expect_no_pause() {
        EXPECT_EQ(gateway_->daemon().log().find("accept_paused"), std::string::npos);
    }

    CertificateAuthority authority_;
    FakeUpstream upstream_;
    FakeUpstream second_;
    std::optional<Gateway> gateway_;
};

TEST_F(IdleUpstreamConnections, GiveWayToClientsWithAKey) {
    std::vector<TestClient> clients;
    for (int i = 0; i < 120; ++i) {
        clients.push_back(gateway_->connect());
        clients.back().send(chat_request(i % 2 == 0 ? alice_key : bob_key, "m"));
        expect_success(clients.back().read_response());
    }
    EXPECT_LT(idle_connections(), idle);
    expect_no_pause();
}

TEST_F(IdleUpstreamConnections, GiveWayToClientsThatWait) {
    std::vector<TestClient> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(gateway_->connect());
    // While connections still give way, a request may be told to come again.
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(eventually([&] { return gateway_->chat(alice_key, "m").status == 200; }));
    }
    EXPECT_TRUE(gateway_->daemon().is_running());
    expect_success(gateway_->chat(bob_key, "n"));
}

TEST_F(IdleUpstreamConnections, GiveWayToClientsUnderTls) {
    const SslContext context = client_context(authority_.certificate(), "localhost");
    std::vector<TestClient> clients;
    for (int i = 0; i < 122; ++i) {
        clients.emplace_back(gateway_->daemon().port("client_tls"), context.get(), "localhost");
        clients.back().send(chat_request(alice_key, "m"));
        expect_success(clients.back().read_response());
    }
    expect_no_pause();
}

TEST_F(IdleUpstreamConnections, GiveWayToRequestsForAnotherUpstream) {
    Signal go;
    second_.answer(Script().wait(go).send(chat_answer()));
    std::vector<TestClient> clients;
    for (int i = 0; i < 70; ++i) {
        clients.push_back(gateway_->connect());
        clients.back().send(chat_request(alice_key, "n"));
    }
    ASSERT_TRUE(second_.wait_for_requests(70));
    go.raise();
    for (TestClient& client : clients) expect_success(client.read_response());
    EXPECT_EQ(metric(*gateway_, "sluicegate_upstream_errors_total"), 0);
}

TEST(Overload, WhereNoDescriptorIsLeftClientsGet503) {
    const FakeUpstream upstream;
    DaemonOptions options;
    options.descriptors_max = 80;
    Gateway gateway(ConfigText(upstream.base_url()), options);
    expect_success(gateway.chat(alice_key, "m"));
    std::vector<TestClient> operators;
    for (int i = 0; i < 62; ++i) operators.emplace_back(gateway.daemon().port("admin"));
    ASSERT_TRUE(eventually([&] { return gateway.daemon().open_descriptors() >= 80; }));
    for (int i = 0; i < 10; ++i) {
        const Response refused = gateway.chat(alice_key, "m");
        expect_error(refused,
                     {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
        EXPECT_EQ(refused.field("retry-after"), "1");
    }
    operators.clear();
    EXPECT_TRUE(eventually([&] { return gateway.chat(alice_key, "m").status == 200; }));
}

TEST(Overload, RequestsOfOneUserLeaveDescriptorsForTheAdminPort) {
    Signal go;
    FakeUpstream upstream;
    upstream.answer(Script().wait(go).send(chat_answer()));
    DaemonOptions options;
    options.descriptors_max = 150;
    Gateway gateway(ConfigText(upstream.base_url()), options);
    std::vector<TestClient> clients;
    for (int i = 0; i < 120; ++i) {
        clients.push_back(gateway.connect());
        clients.back().send(chat_request(alice_key, "m"));
    }
    ASSERT_TRUE(upstream.wait_for_requests(30));
    const Response refused = gateway.chat(bob_key, "m");
    expect_error(refused, {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(gateway.admin("/livez").status, 200);
    EXPECT_EQ(gateway.daemon().log().find("accept_paused"), std::string::npos);
    go.raise();
    clients.clear();
    EXPECT_TRUE(eventually([&] { return gateway.chat(bob_key, "m").status == 200; }));
}

TEST(Overload, RunningOutOfDescriptorsKillsNothing) {
    const FakeUpstream upstream;
    DaemonOptions options;
    options.descriptors_max = 80;
    Gateway gateway(ConfigText(upstream.base_url()), options);
    expect_success(gateway.chat(alice_key, "m"));
    {
        std::vector<TestClient> crowd;
        for (int i = 0; i < 150; ++i) {
            crowd.push_back(gateway.connect());
            crowd.back().send("GET /v1/models HTTP/1.1\r\n");
        }
        EXPECT_TRUE(gateway.daemon().is_running());
    }
    expect_success(gateway.chat(alice_key, "m"));
}

}  // namespace
}  // namespace sluicegate::support
