// Everything at once: servers that fail in every way, a bounded number of slots, a queue for them,
// clients that leave. No client with a healthy fallback gets an error, and in the end nothing is
// lost or left behind.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr unsigned seed = 20'261'122;

/// Draws for several threads.
class Dice {
public:
    explicit Dice(unsigned from) : engine_(from) {}
    int below(int bound) {
        const std::scoped_lock lock(mutex_);
        return std::uniform_int_distribution<int>(0, bound - 1)(engine_);
    }

private:
    std::mutex mutex_;
    std::mt19937 engine_;
};

class UpstreamStorm : public testing::Test {
protected:
    UpstreamStorm() { sign(provider_, "provider"); }

    ConfigText config() {
        return routes_config(
            endpoints_line("gpu",
                           {servers_[0].base_url(), servers_[1].base_url(), servers_[2].base_url()},
                           "max_in_flight: 2, on_full: queue,"
                           " queue: {timeout: 300ms, max_waiting: 20},"
                           " timeouts: {first_byte: 200ms, between_bytes: 200ms},"
                           " breaker: {open_for: 100ms, open_max: 200ms}") +
                upstream_line("provider", provider_.base_url()),
            "  m: {route: [{upstream: gpu}], fallback: [{upstream: provider}]}\n");
    }
    void rage(FakeUpstream& server) {
        server.answer_with([this](const ReceivedRequest& request) {
            const bool is_streaming = asks_for_stream(request);
            const std::string half =
                response_head(200, "Content-Type: application/json\r\nContent-Length: 99\r\n");
            const int drawn = dice_.below(100);
            if (drawn < 5) return Script().cut();
            if (drawn < 10) return Script().reset();
            if (drawn < 15) return Script().send(json_response(500, "{}"));
            if (drawn < 20) return Script().send(json_response(503, "{}"));
            if (drawn < 24) return Script().send(json_response(429, "{}"));
            if (drawn < 28) return Script().send("garbage\r\n\r\n").close();
            if (drawn < 31) return Script().stall();
            if (drawn < 36) return Script().send((is_streaming ? sse_head() : half) + "{").cut();
            if (drawn < 38) {
                return Script().send(json_response(503, "{}", "retry-after-ms: 100\r\n"));
            }
            return Script()
                .pause(milliseconds(dice_.below(8)))
                .send(signed_answer("gpu", is_streaming));
        });
    }
    /// So many requests in a row that every server has to answer.
    bool all_are_well(const Gateway& gateway) {
        return eventually([&] {
            std::array<std::size_t, 3> before{};
            for (std::size_t i = 0; i < 3; ++i) before[i] = count(servers_[i]);
            for (int i = 0; i < 30; ++i) {
                expect_success(gateway.chat(alice_key, "m"));
            }
            for (std::size_t i = 0; i < 3; ++i) {
                if (count(servers_[i]) == before[i]) return false;
            }
            return true;
        });
    }

    Dice dice_{seed};
    Signal go_;
    std::array<FakeUpstream, 3> servers_;
    FakeUpstream provider_;
};

TEST_F(UpstreamStorm, LosesNoRequestAndNoPlace) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    for (FakeUpstream& server : servers_) rage(server);
    ConfigText text = config();
    text.retries =
        "retries: {budget: 100%, minimum: 10000, max_attempts: 20, repeat_timeouts: true}\n";
    Gateway gateway(text);
    const std::vector<std::string_view> keys{alice_key, bob_key, carol_key};
    std::atomic<int> good{0};
    std::atomic<int> gone{0};
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < 16; ++i) {
        clients.emplace_back([&, i] {
            for (int j = 0; j < 40; ++j) {
                const bool is_streaming = dice_.below(2) == 0;
                TestClient client = gateway.connect();
                client.send(chat_request(keys[i % 3], "m", is_streaming));
                if (dice_.below(10) == 0) {
                    let_time_pass(milliseconds(dice_.below(20)));
                    if (dice_.below(2) == 0) client.wire().reset();
                    ++gone;
                    continue;
                }
                const Response response = client.read_response();
                EXPECT_EQ(response.status, 200) << response.body;
                EXPECT_TRUE(response.is_complete) << response.body;
                good += response.status == 200 ? 1 : 0;
            }
        });
    }
    // Reloads change nothing of it.
    for (int i = 0; i < 5; ++i) gateway.daemon().reload(text.text());
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(good + gone, 16 * 40);

    EXPECT_TRUE(eventually([&] { return metric(gateway, "sluicegate_requests_in_flight") == 0; }));
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_upstream_connections", {R"(state="active")"}) == 0;
    }));
    for (FakeUpstream& server : servers_) sign(server, "gpu");
    ASSERT_TRUE(all_are_well(gateway)) << "each is back by itself";

    // Every place is there still, and none was made.
    for (FakeUpstream& server : servers_) {
        server.answer(Script().wait(go_).send(signed_answer("gpu")));
    }
    text.upstreams =
        endpoints_line("gpu",
                       {servers_[0].base_url(), servers_[1].base_url(), servers_[2].base_url()},
                       "max_in_flight: 2, on_full: spill") +
        upstream_line("provider", provider_.base_url());
    ASSERT_EQ(gateway.daemon().reload(text.text()).value("event", ""), "reloaded");
    std::array<std::size_t, 3> before{};
    for (std::size_t i = 0; i < 3; ++i) before[i] = count(servers_[i]);
    std::vector<TestClient> holders;
    for (int i = 0; i < 6; ++i) {
        holders.push_back(gateway.connect());
        holders.back().send(chat_request(alice_key, "m"));
    }
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_TRUE(servers_[i].wait_for_requests(before[i] + 2, Deadline(milliseconds(5000))))
            << "server " << i;
    }
    expect_answer_of(gateway.chat(alice_key, "m"), "provider");
    go_.raise();
    for (TestClient& client : holders) expect_answer_of(client.read_response(), "gpu");
}

}  // namespace
}  // namespace sluicegate::support
