// Several servers of one upstream: how requests are spread over them, and the hard bound on what
// each has to work on at once.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {
namespace {

class UpstreamSlots : public testing::Test {
protected:
    std::string gpu(const std::string& options, std::size_t endpoints = 2) {
        std::vector<std::string> urls;
        for (std::size_t i = 0; i < endpoints; ++i) {
            sign(servers_[i], "gpu");
            urls.push_back(servers_[i].base_url());
        }
        return endpoints_line("gpu", urls, options);
    }
    std::string provider() {
        sign(provider_, "provider");
        return upstream_line("provider", provider_.base_url());
    }
    /// Requests that a server holds until `go_`.
    void hold() {
        for (FakeUpstream& server : servers_) {
            server.answer_with([this](const ReceivedRequest& request) {
                return Script().wait(go_).send(signed_answer("gpu", asks_for_stream(request)));
            });
        }
    }
    [[nodiscard]] std::size_t reached() const {
        std::size_t sum = 0;
        for (const FakeUpstream& server : servers_) sum += count(server);
        return sum;
    }
    /// Sends one more and waits until a server has it.
    TestClient held(const Gateway& gateway, const std::string& request) {
        const std::size_t before = reached();
        TestClient client = gateway.connect();
        client.send(request);
        EXPECT_TRUE(eventually([&] { return reached() == before + 1; }));
        return client;
    }

    static constexpr std::string_view with_provider_ =
        "  m: {route: [{upstream: gpu}], fallback: [{upstream: provider}]}\n";
    static constexpr std::string_view alone_ = "  m: {route: [{upstream: gpu}]}\n";

    Signal go_;
    std::array<OpenRequests, 4> open_;
    std::array<FakeUpstream, 4> servers_;
    FakeUpstream provider_;
};

TEST_F(UpstreamSlots, TheLeastBusyOfTwoServersIsTaken) {
    const Gateway gateway(routes_config(gpu(""), std::string(alone_)));
    hold();
    std::vector<TestClient> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(held(gateway, chat_request(alice_key, "m", i % 2 == 0)));
        const auto one = static_cast<int>(count(servers_[0]));
        const auto other = static_cast<int>(count(servers_[1]));
        ASSERT_LE(std::abs(one - other), 1) << "after " << i + 1;
    }
    go_.raise();
    for (TestClient& client : clients) EXPECT_EQ(client.read_response().status, 200);
}

TEST_F(UpstreamSlots, ThreeServersAreAllUsedAndNoneIsCrowded) {
    const Gateway gateway(routes_config(gpu("", 3), std::string(alone_)));
    hold();
    std::vector<TestClient> clients;
    for (int i = 0; i < 30; ++i) clients.push_back(held(gateway, chat_request(alice_key, "m")));
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_GE(count(servers_[i]), 4U);
        EXPECT_LE(count(servers_[i]), 16U);
    }
    go_.raise();
    for (TestClient& client : clients) EXPECT_EQ(client.read_response().status, 200);
}

TEST_F(UpstreamSlots, ASlowServerGetsLess) {
    const Gateway gateway(routes_config(gpu(""), std::string(alone_)));
    sign(servers_[0], "gpu", milliseconds(100));
    sign(servers_[1], "gpu", milliseconds(5));
    run_load(gateway, {.clients = 4, .each = 40, .request = chat_request(alice_key, "m")},
             [](const Response& response) { expect_answer_of(response, "gpu"); });
    EXPECT_GE(count(servers_[1]), 2 * count(servers_[0]));
    EXPECT_GE(count(servers_[0]), 1U);
}

TEST_F(UpstreamSlots, ABoundIsNeverExceededAndTheRestGoesElsewhere) {
    const Gateway gateway(
        routes_config(gpu("max_in_flight: 3") + provider(), std::string(with_provider_)));
    for (std::size_t i = 0; i < 2; ++i) {
        sign_and_count(servers_[i], "gpu", open_[i], milliseconds(10));
    }
    sign(provider_, "provider", milliseconds(2));
    std::atomic<int> from_gpu{0};
    std::atomic<int> from_provider{0};
    run_load(gateway, {.clients = 32, .each = 25, .request = chat_request(alice_key, "m")},
             [&](const Response& response) {
                 EXPECT_EQ(response.status, 200) << response.body;
                 EXPECT_EQ(attempts_of(response), 1) << "a full server is not tried";
                 const std::string upstream = response.field("x-sluicegate-upstream");
                 ++(upstream == "gpu" ? from_gpu : from_provider);
             });
    EXPECT_LE(open_[0].most(), 3);
    EXPECT_LE(open_[1].most(), 3);
    EXPECT_EQ(open_[0].most(), 3) << "what is reserved is used";
    EXPECT_EQ(open_[1].most(), 3);
    EXPECT_EQ(from_gpu + from_provider, 800);
    EXPECT_EQ(static_cast<int>(reached()), from_gpu);
    EXPECT_EQ(static_cast<int>(count(provider_)), from_provider);
    EXPECT_GT(from_provider, 0);
}

TEST_F(UpstreamSlots, ABoundHoldsForStreamsAndOverModels) {
    const Gateway gateway(
        routes_config(gpu("max_in_flight: 2") + provider(),
                      std::string(with_provider_) +
                          "  other: {route: [{upstream: gpu, model: llama}], fallback: [{upstream: "
                          "provider}]}\n"));
    for (std::size_t i = 0; i < 2; ++i) {
        sign_and_count(servers_[i], "gpu", open_[i], milliseconds(8));
    }
    std::thread second([&] {
        run_load(gateway,
                 {.clients = 8, .each = 25, .request = chat_request(bob_key, "other", true)},
                 [](const Response& response) { EXPECT_EQ(response.status, 200); });
    });
    run_load(gateway, {.clients = 8, .each = 25, .request = chat_request(alice_key, "m")},
             [](const Response& response) { EXPECT_EQ(response.status, 200); });
    second.join();
    EXPECT_LE(open_[0].most(), 2);
    EXPECT_LE(open_[1].most(), 2);
}

TEST_F(UpstreamSlots, AFullUpstreamSpillsAtOnceAndIsFirstAgainWhenFree) {
    const Gateway gateway(
        routes_config(gpu("max_in_flight: 1", 1) + provider(), std::string(with_provider_)));
    hold();
    TestClient holder = held(gateway, chat_request(alice_key, "m"));
    const auto start = std::chrono::steady_clock::now();
    for (const bool is_streaming : {false, true}) {
        const Response response = gateway.send(chat_request(bob_key, "m", is_streaming));
        expect_answer_of(response, "provider", is_streaming);
        EXPECT_EQ(response.field("x-sluicegate-upstream"), "provider");
        EXPECT_EQ(attempts_of(response), 1);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
    EXPECT_EQ(count(servers_[0]), 1U);
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    expect_answer_of(gateway.chat(bob_key, "m"), "gpu");
}

TEST_F(UpstreamSlots, SpillWithNowhereToGoIs503WithAWait) {
    const Gateway gateway(
        routes_config(gpu("max_in_flight: 1, queue: {timeout: 300ms}", 1), std::string(alone_)));
    hold();
    TestClient holder = held(gateway, chat_request(alice_key, "m"));
    const Response response = gateway.chat(bob_key, "m");
    expect_error(response,
                 {.status = 503, .type = "server_error", .code = "no_upstream_available"});
    EXPECT_GE(number_in(response, "retry-after"), 1);
    EXPECT_LE(number_in(response, "retry-after"), 30);
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
}

TEST_F(UpstreamSlots, APlaceIsFreeOnceTheAnswerIsComplete) {
    const Gateway gateway(routes_config(gpu("max_in_flight: 1", 1), std::string(alone_)));
    TestClient client = gateway.connect();
    for (int i = 0; i < 500; ++i) {
        client.send(chat_request(alice_key, "m", i % 2 == 0));
        ASSERT_EQ(client.read_response().status, 200)
            << "request " << i << ": the client had read the whole answer before it asked again";
    }
}

TEST_F(UpstreamSlots, APlaceIsFreeOnEveryConnectionOnceTheAnswerIsComplete) {
    const Gateway gateway(
        routes_config(gpu("max_in_flight: 1", 1) + provider(), std::string(with_provider_)));
    TestClient one = gateway.connect();
    TestClient two = gateway.connect();
    for (int i = 0; i < 500; ++i) {
        TestClient& client = i % 2 == 0 ? one : two;
        client.send(chat_request(alice_key, "m", i % 3 == 0));
        static_cast<void>(client.read_response());
    }
    EXPECT_EQ(count(provider_), 0U) << "nothing ran when the next was asked for";
}

TEST_F(UpstreamSlots, ASlowReaderHoldsNoPlaceOnceTheServerIsDone) {
    const Gateway gateway(
        routes_config(gpu("max_in_flight: 1", 1) + provider(), std::string(with_provider_)));
    servers_[0].answer_next(Script().send(
        json_response(200, R"({"choices":[],"x":")" + std::string(7'500'000, 'x') + "\"}")));
    TestClient slow = gateway.connect(4096);
    slow.send(chat_request(alice_key, "m"));
    ASSERT_EQ(slow.read_head().status, 200);
    EXPECT_TRUE(eventually(
        [&] { return gateway.chat(bob_key, "m").body.find("\"gpu\"") != std::string::npos; },
        Deadline(milliseconds(5000))));
    EXPECT_TRUE(slow.read_rest().is_complete);
}

TEST_F(UpstreamSlots, APlaceIsFreeWhateverTheServerDoes) {
    const Gateway gateway(
        routes_config(gpu("max_in_flight: 1, timeouts: {first_byte: 300ms, between_bytes: 300ms},"
                          " breaker: {min_requests: 1000, connect_failures: 100}",
                          1),
                      std::string(alone_)));
    const std::string json =
        response_head(200, "Content-Type: application/json\r\nContent-Length: 100\r\n");
    struct Row {
        std::string name;
        Script script;
        bool is_streaming = false;
    };
    const std::vector<Row> rows{
        {"400", Script().send(json_response(400, "{}"))},
        {"429", Script().send(json_response(429, "{}"))},
        {"500", Script().send(json_response(500, "{}"))},
        {"503", Script().send(json_response(503, "{}"))},
        {"closed", Script().cut()},
        {"reset", Script().reset()},
        {"garbage", Script().send("no http\r\n\r\n").close()},
        {"JSON cut", Script().send(json + "{").cut()},
        {"no answer", Script().stall()},
        {"silence in JSON", Script().send(json + "{").stall()},
        {"an error as the first event",
         Script().send(sse_head() + chunk("data: {\"error\":{\"message\":\"x\"}}\n\n") + chunk("")),
         true},
        {"a stream cut", Script().send(sse_head() + chunk(chat_event("a"))).cut(), true},
        {"silence in a stream", Script().send(sse_head() + chunk(chat_event("a"))).stall(), true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        servers_[0].answer_next(row.script);
        static_cast<void>(gateway.send(chat_request(alice_key, "m", row.is_streaming)));
        ASSERT_TRUE(eventually([&] { return gateway.chat(alice_key, "m").status == 200; }));
    }
}

TEST_F(UpstreamSlots, APlaceIsFreeWhenTheClientLeaves) {
    const Gateway gateway(routes_config(gpu("max_in_flight: 1", 1), std::string(alone_)));
    for (const bool is_streaming : {false, true}) {
        for (int i = 0; i < 10; ++i) {
            hold();
            {
                TestClient client = held(gateway, chat_request(alice_key, "m", is_streaming));
                client.wire().reset();
            }
            sign(servers_[0], "gpu");
            ASSERT_TRUE(eventually([&] { return gateway.chat(bob_key, "m").status == 200; }));
        }
    }
}

TEST_F(UpstreamSlots, ABoundSurvivesAReloadWithWhatIsRunning) {
    const ConfigText text =
        routes_config(gpu("max_in_flight: 2", 1) + provider(), std::string(with_provider_));
    Gateway gateway(text);
    hold();
    TestClient one = held(gateway, chat_request(alice_key, "m"));
    TestClient two = held(gateway, chat_request(alice_key, "m"));
    gateway.daemon().reload(text.text());
    expect_answer_of(gateway.chat(bob_key, "m"), "provider");
    EXPECT_EQ(count(servers_[0]), 2U);
    // A larger bound is in force at once, and what runs counts on.
    ConfigText larger = text;
    larger.upstreams = endpoints_line("gpu", {servers_[0].base_url()}, "max_in_flight: 3") +
                       upstream_line("provider", provider_.base_url());
    gateway.daemon().reload(larger.text());
    TestClient three = held(gateway, chat_request(alice_key, "m"));
    expect_answer_of(gateway.chat(bob_key, "m"), "provider");
    // So is a smaller one.
    gateway.daemon().reload(text.text());
    expect_answer_of(gateway.chat(bob_key, "m"), "provider");
    go_.raise();
    for (TestClient* client : {&one, &two, &three}) {
        expect_answer_of(client->read_response(), "gpu");
    }
    expect_answer_of(gateway.chat(bob_key, "m"), "gpu");
}

TEST_F(UpstreamSlots, AServerThatFailsIsReplacedByItsNeighbour) {
    const Gateway gateway(routes_config(gpu("") + provider(), std::string(with_provider_)));
    servers_[0].answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 10; ++i) {
        const Response response = gateway.chat(alice_key, "m");
        expect_answer_of(response, "gpu");
        EXPECT_LE(attempts_of(response), 2);
    }
    EXPECT_EQ(count(provider_), 0U);
}

class PrefixAffinity : public UpstreamSlots {
protected:
    static std::string conversation(std::string_view key, char topic, const std::string& question,
                                    std::string_view model = "m") {
        return post_json("/v1/chat/completions", key,
                         R"({"messages":[{"role":"system","content":")" + std::string(2048, topic) +
                             R"("},{"role":"user","content":")" + question + R"("}],"model":")" +
                             std::string(model) + "\"}");
    }
    [[nodiscard]] std::vector<std::size_t> counts() const {
        std::vector<std::size_t> out;
        for (const FakeUpstream& server : servers_) out.push_back(count(server));
        return out;
    }
    ConfigText config(const std::string& more = {}) {
        return routes_config(gpu("prefix_affinity: 1KiB" + more, 4) + provider(),
                             std::string(with_provider_));
    }
};

TEST_F(PrefixAffinity, KeepsOneConversationOnOneServer) {
    const Gateway gateway(config());
    std::set<std::size_t> used;
    for (const char topic : {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}) {
        SCOPED_TRACE(topic);
        const std::vector<std::size_t> before = counts();
        for (int i = 0; i < 10; ++i) {
            expect_answer_of(gateway.send(conversation(i % 2 == 0 ? alice_key : bob_key, topic,
                                                       "question " + std::to_string(i))),
                             "gpu");
        }
        const std::vector<std::size_t> after = counts();
        std::size_t servers = 0;
        for (std::size_t i = 0; i < after.size(); ++i) {
            if (after[i] == before[i]) continue;
            ++servers;
            used.insert(i);
        }
        EXPECT_EQ(servers, 1U);
    }
    EXPECT_GE(used.size(), 2U) << "eight conversations on four servers";
}

TEST_F(PrefixAffinity, SpreadsOneConversationWhenItsServerIsBusy) {
    const Gateway gateway(config());
    hold();
    std::vector<TestClient> clients;
    for (int i = 0; i < 24; ++i) {
        clients.push_back(held(gateway, conversation(alice_key, 'a', std::to_string(i))));
    }
    const std::vector<std::size_t> spread = counts();
    EXPECT_LE(*std::ranges::max_element(spread), 14U) << "bounded by load";
    go_.raise();
    for (TestClient& client : clients) EXPECT_EQ(client.read_response().status, 200);
}

TEST_F(PrefixAffinity, NeverExceedsABoundAndNeverSpillsWhileANeighbourIsFree) {
    const Gateway gateway(config(", max_in_flight: 1"));
    hold();
    std::vector<TestClient> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(held(gateway, conversation(alice_key, 'a', std::to_string(i))));
    }
    EXPECT_EQ(counts(), (std::vector<std::size_t>{1, 1, 1, 1}));
    expect_answer_of(gateway.send(conversation(alice_key, 'a', "more")), "provider");
    go_.raise();
    for (TestClient& client : clients) EXPECT_EQ(client.read_response().status, 200);
}

TEST_F(PrefixAffinity, IsNoVetoWhenTheServerIsDown) {
    const Gateway gateway(config());
    expect_answer_of(gateway.send(conversation(alice_key, 'a', "first")), "gpu");
    const std::vector<std::size_t> at = counts();
    const auto preferred = static_cast<std::size_t>(std::ranges::find(at, 1U) - at.begin());
    servers_[preferred].answer(Script().send(json_response(500, "{}")).close());
    for (int i = 0; i < 10; ++i) {
        expect_answer_of(gateway.send(conversation(alice_key, 'a', std::to_string(i))), "gpu");
    }
    EXPECT_EQ(count(provider_), 0U);
}

}  // namespace
}  // namespace sluicegate::support
