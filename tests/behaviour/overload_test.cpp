// More clients than there is room for: told so at once, or left waiting, and never fatal.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

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

TEST(Overload, RunningOutOfDescriptorsPausesAcceptingAndKillsNothing) {
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
