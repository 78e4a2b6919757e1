// on_full: queue: requests that wait for a place at a full upstream.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {
namespace {

using Clock = std::chrono::steady_clock;

class UpstreamQueue : public testing::Test {
protected:
    ConfigText config(const std::string& queue, const std::string& model = {},
                      const std::string& fallback = {}) {
        sign(gpu_, "gpu");
        sign(provider_, "provider");
        return routes_config(
            upstream_line("gpu", gpu_.base_url(),
                          "max_in_flight: 1, on_full: queue, queue: {" + queue + "}") +
                upstream_line("provider", provider_.base_url()),
            "  m: {" + model + "route: [{upstream: gpu}]" + fallback + "}\n" +
                "  other: {route: [{upstream: gpu}]}\n");
    }
    static constexpr const char* to_provider_ = ", fallback: [{upstream: provider}]";

    /// A request that can be told from others at the upstream.
    static std::string named(std::string_view key, const std::string& name,
                             bool is_streaming = false) {
        return post_json("/v1/chat/completions", key,
                         R"({"model":"m","messages":[{"role":"user","content":")" + name + "\"}]" +
                             (is_streaming ? R"(,"stream":true})" : "}"));
    }
    [[nodiscard]] std::vector<std::string> order() const {
        std::vector<std::string> out;
        for (const ReceivedRequest& request : gpu_.requests()) {
            const auto body = nlohmann::json::parse(request.body);
            out.push_back(body["messages"][0]["content"].get<std::string>());
        }
        return out;
    }
    /// The holder takes the only place until `go_`.
    TestClient hold(const Gateway& gateway) {
        gpu_.answer_next(Script().wait(go_).send(signed_answer("gpu")));
        TestClient client = gateway.connect();
        client.send(named(carol_key, "holder"));
        EXPECT_TRUE(gpu_.wait_for_requests(1));
        return client;
    }
    /// Sends it and waits until the gateway has it.
    static TestClient waiting(const Gateway& gateway, const std::string& request) {
        const double before = metric(gateway, "sluicegate_requests_in_flight");
        TestClient client = gateway.connect();
        client.send(request);
        EXPECT_TRUE(eventually(
            [&] { return metric(gateway, "sluicegate_requests_in_flight") == before + 1; }));
        return client;
    }

    Signal go_;
    Signal never_;
    FakeUpstream gpu_;
    FakeUpstream provider_;
};

TEST_F(UpstreamQueue, ARequestWaitsForItsTurnAndIsThenAnswered) {
    const Gateway gateway(config("timeout: 15s", "", to_provider_));
    TestClient holder = hold(gateway);
    TestClient json = waiting(gateway, named(alice_key, "json"));
    TestClient stream = waiting(gateway, named(bob_key, "stream", true));
    EXPECT_EQ(count(gpu_), 1U);
    EXPECT_EQ(count(provider_), 0U);
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    const Response first = json.read_response();
    expect_answer_of(first, "gpu");
    EXPECT_EQ(attempts_of(first), 1) << "waiting is no attempt";
    expect_answer_of(stream.read_response(), "gpu", true);
    EXPECT_EQ(count(provider_), 0U);
}

TEST_F(UpstreamQueue, IsFairBetweenUsers) {
    const Gateway gateway(config("timeout: 15s, max_waiting: 50"));
    TestClient holder = hold(gateway);
    std::vector<TestClient> flood;
    for (int i = 0; i < 10; ++i) {
        flood.push_back(waiting(gateway, named(alice_key, "alice" + std::to_string(i))));
    }
    TestClient bob = waiting(gateway, named(bob_key, "bob"));
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    expect_answer_of(bob.read_response(), "gpu");
    for (TestClient& client : flood) expect_answer_of(client.read_response(), "gpu");
    const std::vector<std::string> served = order();
    ASSERT_EQ(served.size(), 12U);
    const auto bobs = std::ranges::find(served, "bob") - served.begin();
    EXPECT_LE(bobs, 2) << "behind the holder and at most one of alice's";
    // One user's own stay in their order.
    std::vector<std::string> alices;
    std::ranges::copy_if(served, std::back_inserter(alices),
                         [](const std::string& name) { return name.starts_with("alice"); });
    EXPECT_TRUE(std::ranges::is_sorted(alices)) << testing::PrintToString(alices);
}

TEST_F(UpstreamQueue, TakesTurnsBetweenUsersOfTheSameUpstreamWhateverTheModel) {
    const Gateway gateway(config("timeout: 15s, max_waiting: 50"));
    TestClient holder = hold(gateway);
    std::vector<TestClient> all;
    for (int i = 0; i < 4; ++i) {
        all.push_back(waiting(gateway, named(alice_key, "alice" + std::to_string(i))));
    }
    for (int i = 0; i < 4; ++i) {
        all.push_back(waiting(gateway, named(bob_key, "bob" + std::to_string(i))));
    }
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    for (TestClient& client : all) expect_answer_of(client.read_response(), "gpu");
    const std::vector<std::string> served = order();
    ASSERT_EQ(served.size(), 9U);
    for (std::size_t i = 1; i + 1 < served.size(); i += 2) {
        EXPECT_NE(served[i][0], served[i + 1][0]) << testing::PrintToString(served);
    }
}

TEST_F(UpstreamQueue, IsWhereARequestWaitsByDefaultWhenNothingElseIsLeft) {
    sign(gpu_, "gpu");
    sign(provider_, "provider");
    const Gateway gateway(routes_config(
        upstream_line("gpu", gpu_.base_url(), "max_in_flight: 1, queue: {timeout: 15s}") +
            upstream_line("provider", provider_.base_url(), "max_in_flight: 1"),
        "  m: {route: [{upstream: gpu}], fallback: [{upstream: provider}]}\n"));
    TestClient holder = hold(gateway);
    provider_.answer_next(Script().wait(never_).stall());
    TestClient spilled = gateway.connect();
    spilled.send(named(alice_key, "spilled"));
    ASSERT_TRUE(provider_.wait_for_requests(1));
    std::vector<TestClient> all;
    for (const std::string_view key : {alice_key, bob_key, carol_key}) {
        all.push_back(waiting(gateway, named(key, "waits", key == bob_key)));
    }
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    for (std::size_t i = 0; i < all.size(); ++i) {
        expect_answer_of(all[i].read_response(), "gpu", i == 1);
    }
}

TEST_F(UpstreamQueue, OutlivesTheDeathOfAServer) {
    FakeUpstream other;
    sign(other, "other");
    const Gateway gateway(routes_config(
        endpoints_line("pair", {gpu_.base_url(), other.base_url()},
                       "max_in_flight: 2, on_full: queue, queue: {max_waiting: 6, timeout: 20s}"),
        "  m: {route: [{upstream: pair}]}\n"));
    Signal dies;
    for (int i = 0; i < 2; ++i) {
        gpu_.answer_next(Script().wait(dies).cut());
        other.answer_next(Script().wait(go_).send(signed_answer("other")));
    }
    std::vector<TestClient> running;
    for (int i = 0; i < 4; ++i) running.push_back(waiting(gateway, named(alice_key, "runs")));
    ASSERT_TRUE(gpu_.wait_for_requests(2));
    std::vector<TestClient> queued;
    for (const std::string_view key : {alice_key, bob_key, carol_key, bob_key}) {
        queued.push_back(waiting(gateway, named(key, "waits")));
    }
    gpu_.refuse_connections();
    dies.raise();
    let_time_pass(milliseconds(1500));
    go_.raise();
    for (TestClient& client : queued) expect_answer_of(client.read_response(), "other");
    for (TestClient& client : running) EXPECT_GE(client.read_response().status, 200);
}

TEST_F(UpstreamQueue, AfterItsTimeoutTheNextEntryTakesIt) {
    const Gateway gateway(config("timeout: 400ms", "", to_provider_));
    TestClient holder = hold(gateway);
    for (const bool is_streaming : {false, true}) {
        const auto start = Clock::now();
        const Response response = gateway.send(chat_request(alice_key, "m", is_streaming));
        const auto took = Clock::now() - start;
        expect_answer_of(response, "provider", is_streaming);
        EXPECT_EQ(attempts_of(response), 1);
        EXPECT_GE(took, milliseconds(350));
        EXPECT_LT(took, milliseconds(3000));
    }
    EXPECT_EQ(count(gpu_), 1U);
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
}

TEST_F(UpstreamQueue, AfterItsTimeoutWithNowhereToGoItIs503WithAWait) {
    const Gateway gateway(config("timeout: 400ms"));
    TestClient holder = hold(gateway);
    const auto start = Clock::now();
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_GE(Clock::now() - start, milliseconds(350));
    EXPECT_LT(Clock::now() - start, milliseconds(3000));
    expect_error(response,
                 {.status = 503, .type = "server_error", .code = "no_upstream_available"});
    EXPECT_GE(number_in(response, "retry-after"), 1);
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
}

TEST_F(UpstreamQueue, IsBounded) {
    const Gateway gateway(config("timeout: 15s, max_waiting: 2"));
    TestClient holder = hold(gateway);
    TestClient one = waiting(gateway, named(alice_key, "one"));
    TestClient two = waiting(gateway, named(bob_key, "two"));
    const auto start = Clock::now();
    const Response refused = gateway.chat(alice_key, "m");
    EXPECT_LT(Clock::now() - start, milliseconds(3000)) << "refused at once";
    expect_error(refused, {.status = 503, .type = "server_error", .code = "no_upstream_available"});
    EXPECT_GE(number_in(refused, "retry-after"), 1);
    go_.raise();
    for (TestClient* client : {&holder, &one, &two}) {
        expect_answer_of(client->read_response(), "gpu");
    }
}

TEST_F(UpstreamQueue, WhatItCannotTakeGoesToTheNextEntryAtOnce) {
    const Gateway gateway(config("timeout: 15s, max_waiting: 1", "", to_provider_));
    TestClient holder = hold(gateway);
    TestClient one = waiting(gateway, named(alice_key, "one"));
    expect_answer_of(gateway.chat(bob_key, "m"), "provider");
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    expect_answer_of(one.read_response(), "gpu");
}

TEST_F(UpstreamQueue, AClientThatLeavesFreesItsPlaceInTheLine) {
    const Gateway gateway(config("timeout: 15s, max_waiting: 1"));
    TestClient holder = hold(gateway);
    for (const bool by_reset : {true, false}) {
        TestClient leaver = waiting(gateway, named(alice_key, "leaver"));
        by_reset ? leaver.wire().reset() : leaver.wire().close();
        ASSERT_TRUE(
            eventually([&] { return metric(gateway, "sluicegate_requests_in_flight") == 1; },
                       Deadline(milliseconds(3000))));
    }
    TestClient next = waiting(gateway, named(bob_key, "next"));
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    expect_answer_of(next.read_response(), "gpu");
    EXPECT_EQ(order(), (std::vector<std::string>{"holder", "next"}))
        << "who has left is not asked for";
}

TEST_F(UpstreamQueue, NoPlaceIsLostOrUsedTwiceUnderLoad) {
    OpenRequests open;
    FakeUpstream gpu;
    sign_and_count(gpu, "gpu", open, milliseconds(2));
    const Gateway gateway(routes_config(
        upstream_line("gpu", gpu.base_url(),
                      "max_in_flight: 3, on_full: queue, queue: {timeout: 15s, max_waiting: 100}"),
        "  m: {route: [{upstream: gpu}]}\n"));
    std::atomic<bool> is_over{false};
    // Some leave while they wait.
    std::thread leavers([&] {
        while (!is_over) {
            TestClient client = gateway.connect();
            client.send(chat_request(carol_key, "m"));
            let_time_pass(milliseconds(3));
            client.wire().reset();
        }
    });
    std::atomic<int> good{0};
    run_load(gateway, {.clients = 24, .each = 25, .request = chat_request(alice_key, "m")},
             [&](const Response& response) { good += response.status == 200 ? 1 : 0; });
    is_over = true;
    leavers.join();
    EXPECT_EQ(good, 600);
    // A client that left may be at the server still when its place is given on.
    EXPECT_GE(open.most(), 3);
    sign(gpu, "gpu");
    for (int i = 0; i < 10; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "gpu");
}

TEST_F(UpstreamQueue, AUsersOwnLimitIsNeverQueued) {
    const Gateway gateway(config("timeout: 15s", "limits: {rpm: 1, concurrency: 8}, "));
    TestClient holder = hold(gateway);
    TestClient one = waiting(gateway, named(alice_key, "one"));
    const auto start = Clock::now();
    expect_rate_limited(gateway.chat(alice_key, "m"), "rpm");
    EXPECT_LT(Clock::now() - start, milliseconds(3000));
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    expect_answer_of(one.read_response(), "gpu");
}

TEST_F(UpstreamQueue, WhoWaitedInVainIsChargedNothing) {
    const Gateway gateway(config("timeout: 200ms", "limits: {rpm: 2}, "));
    TestClient holder = hold(gateway);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(gateway.chat(alice_key, "m").status, 503);
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    expect_answer_of(gateway.chat(alice_key, "m"), "gpu");
}

TEST_F(UpstreamQueue, ADrainLetsThoseWhoWaitFinish) {
    ConfigText text = config("timeout: 10s");
    text.timeouts = "{header: 20s, body: 20s, idle: 75s, drain: 10s}";
    Gateway gateway(text);
    TestClient holder = hold(gateway);
    TestClient one = waiting(gateway, named(alice_key, "one"));
    gateway.daemon().signal(SIGTERM);
    ASSERT_TRUE(gateway.daemon().wait_for_event("draining"));
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    expect_answer_of(one.read_response(), "gpu");
    EXPECT_EQ(gateway.daemon().wait_for_exit(), 0);
}

TEST_F(UpstreamQueue, AReloadLosesNobodyWhoWaits) {
    const ConfigText text = config("timeout: 15s");
    Gateway gateway(text);
    TestClient holder = hold(gateway);
    TestClient one = waiting(gateway, named(alice_key, "one"));
    gateway.daemon().reload(text.text());
    TestClient two = waiting(gateway, named(bob_key, "two"));
    EXPECT_EQ(count(gpu_), 1U);
    go_.raise();
    for (TestClient* client : {&holder, &one, &two}) {
        expect_answer_of(client->read_response(), "gpu");
    }
}

TEST_F(UpstreamQueue, ARequestIsServedAfterAReloadThatRemovedAnEndpoint) {
    FakeUpstream other;
    const auto text = [&](const std::vector<std::string>& urls) {
        return routes_config(
            endpoints_line("gpu", urls, "max_in_flight: 1, on_full: queue, queue: {timeout: 20s}"),
            "  m: {route: [{upstream: gpu}]}\n");
    };
    for (FakeUpstream* server : {&gpu_, &other}) {
        sign(*server, "gpu");
        server->answer_next(Script().wait(go_).send(signed_answer("gpu")));
    }
    Gateway gateway(text({gpu_.base_url(), other.base_url()}));
    TestClient holder = gateway.connect();
    holder.send(named(carol_key, "holder"));
    ASSERT_TRUE(eventually([&] { return count(gpu_) + count(other) == 1; }));
    const FakeUpstream& busy = count(gpu_) == 1 ? gpu_ : other;
    gateway.daemon().reload(text({busy.base_url()}).text());
    TestClient one = waiting(gateway, named(alice_key, "one"));
    const auto start = Clock::now();
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
    expect_answer_of(one.read_response(), "gpu");
    EXPECT_LT(Clock::now() - start, milliseconds(5'000)) << "as soon as the endpoint is free";
}

TEST_F(UpstreamQueue, AReloadThatRaisesTheBoundServesThoseWhoWaitAtOnce) {
    ConfigText text = config("timeout: 20s");
    Gateway gateway(text);
    TestClient holder = hold(gateway);
    TestClient one = waiting(gateway, named(alice_key, "one"));
    std::string raised = text.text();
    const std::string before = "max_in_flight: 1";
    raised.replace(raised.find(before), before.size(), "max_in_flight: 2");
    const auto start = Clock::now();
    gateway.daemon().reload(raised);
    expect_answer_of(one.read_response(), "gpu");
    EXPECT_LT(Clock::now() - start, milliseconds(5'000));
    go_.raise();
    expect_answer_of(holder.read_response(), "gpu");
}

TEST_F(UpstreamQueue, ARequestIsServedWhenThePauseOfTheServerEnds) {
    const Gateway gateway(config("timeout: 20s"));
    gpu_.answer_next(Script().wait(go_).send(json_response(503, "{}", "retry-after: 1\r\n")));
    TestClient holder = gateway.connect();
    holder.send(named(carol_key, "holder"));
    ASSERT_TRUE(gpu_.wait_for_requests(1));
    TestClient one = waiting(gateway, named(alice_key, "one"));
    const auto start = Clock::now();
    go_.raise();
    EXPECT_EQ(holder.read_response().status, 503);
    expect_answer_of(one.read_response(), "gpu");
    EXPECT_GE(Clock::now() - start, milliseconds(900));
    EXPECT_LT(Clock::now() - start, milliseconds(6'000)) << "not at the timeout of the queue";
}

}  // namespace
}  // namespace sluicegate::support
