// The promise about time: in no window more than the limit, and a client that waits as long as it
// was told is admitted (laws L1 to L3), with many users, models and keys at once.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"
#include "behaviour/windows.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {
namespace {

using Clock = std::chrono::steady_clock;

/// Clients that ask as often as they can until told to stop.
class Crowd {
public:
    Crowd(const Gateway& gateway, unsigned seed) : gateway_(gateway), seed_(seed) {}

    void add(const std::string& user, std::string_view key,
             const std::vector<std::string>& models) {
        threads_.emplace_back([this, user, key, models, number = threads_.size()] {
            run(user, key, models, number);
        });
    }
    void stop() {
        is_stopping_ = true;
        for (std::thread& thread : threads_) thread.join();
    }

    [[nodiscard]] Clock::time_point sent(const std::string& id) const { return sent_.at(id); }
    std::atomic<std::size_t> admitted{0};
    std::atomic<std::size_t> refused{0};
    std::atomic<std::size_t> other{0};

private:
    void run(const std::string& user, std::string_view key, const std::vector<std::string>& models,
             std::size_t number) {
        std::mt19937 random(seed_ + static_cast<unsigned>(number));
        TestClient client = gateway_.connect();
        for (std::size_t i = 0; !is_stopping_; ++i) {
            const std::string& model = models[i % models.size()];
            const std::string id =
                user + "/" + model + "/" + std::to_string(number) + "." + std::to_string(i);
            const std::string bytes = post_json("/v1/chat/completions", key, chat_body(model),
                                                "X-Client-Request-Id: " + id + "\r\n");
            const Clock::time_point now = Clock::now();
            {
                const std::scoped_lock lock(mutex_);
                sent_[id] = now;
            }
            client.send(bytes);
            const Response response = client.read_response();
            if (response.status == 200) {
                ++admitted;
            } else if (response.status == 429 && response.body == rate_limit_body) {
                ++refused;
                let_time_pass(milliseconds(random() % 15));
            } else {
                ++other;
            }
        }
    }

    const Gateway& gateway_;
    unsigned seed_;
    std::atomic<bool> is_stopping_{false};
    std::mutex mutex_;
    std::map<std::string, Clock::time_point> sent_;
    std::vector<std::thread> threads_;
};

TEST(LimitWindows, NoWindowHoldsMoreThanTheLimitForAnyUserAndModel) {
    constexpr milliseconds window{1500};
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.window = std::to_string(window.count()) + "ms";
    config.models += "  wide: {limits: {rpm: 13}, route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    const std::map<std::string, std::int64_t> limits{
        {"alice/limited", 3}, {"alice/other", 3},   {"alice/wide", 13}, {"bob/limited", 5},
        {"bob/wide", 13},     {"carol/limited", 2}, {"narrow/other", 3}};
    Crowd crowd(gateway, seed);
    for (const std::string_view key : {alice_key, alice_second_key}) {
        crowd.add("alice", key, {"limited", "wide"});
        crowd.add("alice", key, {"wide", "other"});
    }
    crowd.add("bob", bob_key, {"limited", "wide"});
    crowd.add("carol", carol_key, {"limited"});
    crowd.add("narrow", narrow_key, {"other"});
    let_time_pass(window * 3 + window / 3);
    crowd.stop();

    std::map<std::string, std::vector<AdmittedRequest>> by_pair;
    for (const ReceivedRequest& request : upstream.requests()) {
        const std::string id = request.head.value("x-client-request-id");
        by_pair[id.substr(0, id.rfind('/'))].push_back(
            {.sent = crowd.sent(id), .arrived = request.arrived, .cost = 1});
    }
    EXPECT_EQ(crowd.other, 0U);
    EXPECT_GT(crowd.refused, 0U);
    EXPECT_EQ(upstream.requests().size(), crowd.admitted) << "a 429 never reaches the upstream";
    for (const auto& [pair, limit] : limits) {
        SCOPED_TRACE(pair);
        EXPECT_LE(most_in_a_window(by_pair[pair], window), limit);
        EXPECT_GE(by_pair[pair].size(), static_cast<std::size_t>(limit) * 2)
            << "and the budget comes back";
    }
}

TEST(LimitWindows, NoWindowHoldsMoreTokensThanTheLimit) {
    constexpr milliseconds window{1200};
    constexpr std::int64_t limit = 400;
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    FakeUpstream upstream;
    // Each uses all that it stated: the id ends with it.
    upstream.answer_with([](const ReceivedRequest& request) {
        const std::string id = request.head.value("x-client-request-id");
        return Script().send(chat_answer(1, std::stoi(id.substr(id.rfind('-') + 1))));
    });
    ConfigText config(upstream.base_url());
    config.window = std::to_string(window.count()) + "ms";
    config.models += "  tokens: {limits: {tpm: 400}, route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    std::mutex mutex;
    std::map<std::string, Clock::time_point> sent;
    std::atomic<bool> is_stopping{false};
    std::vector<std::thread> clients;
    for (unsigned number = 0; number < 4; ++number) {
        clients.emplace_back([&, number] {
            std::mt19937 random(seed + number);
            TestClient client = gateway.connect();
            for (int i = 0; !is_stopping; ++i) {
                const int cap = 1 + static_cast<int>(random() % 60);
                const std::string id =
                    std::to_string(number) + "." + std::to_string(i) + "-" + std::to_string(cap);
                const std::string bytes =
                    chat_with(number % 2 == 0 ? alice_key : alice_second_key, "tokens",
                              ",\"max_tokens\":" + std::to_string(cap),
                              "X-Client-Request-Id: " + id + "\r\n");
                {
                    const std::scoped_lock lock(mutex);
                    sent[id] = Clock::now();
                }
                client.send(bytes);
                const int status = client.read_response().status;
                EXPECT_TRUE(status == 200 || status == 429) << status;
                if (status == 429) let_time_pass(milliseconds(random() % 15));
            }
        });
    }
    let_time_pass(window * 3);
    is_stopping = true;
    for (std::thread& client : clients) client.join();

    std::vector<AdmittedRequest> all;
    std::int64_t sum = 0;
    for (const ReceivedRequest& request : upstream.requests()) {
        const std::string id = request.head.value("x-client-request-id");
        all.push_back({.sent = sent.at(id),
                       .arrived = request.arrived,
                       .cost = 1 + std::stoi(id.substr(id.rfind('-') + 1))});
        sum += all.back().cost;
    }
    EXPECT_LE(most_in_a_window(all, window), limit);
    EXPECT_GT(sum, limit) << "and the budget comes back";
}

TEST(LimitWindows, AClientThatSleepsExactlyRetryAfterMsIsAlwaysAdmitted) {
    FakeUpstream upstream;
    upstream.answer(Script().send(chat_answer(5, 15)));
    ConfigText config(upstream.base_url());
    config.window = "700ms";
    config.models +=
        "  by-tokens: {limits: {tpm: 100}, route: [{upstream: up}]}\n"
        "  by-both: {limits: {rpm: 4, tpm: 90}, route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    struct Row {
        std::string_view key;
        std::string model;
    };
    const std::vector<Row> rows{{alice_key, "limited"},   {bob_key, "limited"},
                                {alice_key, "by-tokens"}, {bob_key, "by-both"},
                                {carol_key, "limited"},   {narrow_key, "other"}};
    std::vector<std::thread> clients;
    for (const Row& row : rows) {
        clients.emplace_back([&gateway, row] {
            TestClient client = gateway.connect();
            const std::string bytes = capped_chat(row.key, row.model, 20);
            for (int waits = 0; waits < 5;) {
                client.send(bytes);
                Response response = client.read_response();
                if (response.status == 200) continue;
                ASSERT_EQ(response.status, 429) << response.body;
                const std::int64_t wait = number_in(response, "retry-after-ms");
                EXPECT_GT(wait, 0);
                EXPECT_LE(wait, 770) << "the window and a tenth of jitter";
                EXPECT_EQ(response.field("retry-after"), "1");
                let_time_pass(milliseconds(wait));
                client.send(bytes);
                response = client.read_response();
                EXPECT_EQ(response.status, 200) << row.model << ": waited " << wait << " ms";
                ++waits;
            }
        });
    }
    for (std::thread& client : clients) client.join();
}

TEST(LimitWindows, ADrippingClientIsNotRefusedAtTheLimitsOwnPace) {
    // 4 in 800 ms, evenly: the next is never early when it leaves 205 ms after the last.
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.window = "800ms";
    config.models += "  steady: {limits: {rpm: 4}, route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    TestClient client = gateway.connect();
    for (int i = 0; i < 12; ++i) {
        client.send(chat_request(alice_key, "steady"));
        ASSERT_EQ(client.read_response().status, 200) << i;
        let_time_pass(milliseconds(205));
    }
}

}  // namespace
}  // namespace sluicegate::support
