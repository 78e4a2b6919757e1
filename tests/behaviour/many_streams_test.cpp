// A thousand streams at once, whose clients leave when they like: nothing is left behind, and every
// token is accounted for.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"
#include "support/stream_farm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

using Clock = std::chrono::steady_clock;

/// The promise is 100 ms; a thousand streams of a debug build on a busy machine need some more.
constexpr milliseconds promised_and_scheduling{3000};

struct Member {
    std::string id;
    std::string user;
    Wire wire;
    std::string received{};
    int leaves_after = 0;  ///< events; 0: stays to the end
    bool leaves_by_reset = false;
    std::optional<Clock::time_point> left{};
    bool is_over = false;

    [[nodiscard]] int events() const {
        int count = 0;
        for (std::size_t at = 0; (at = received.find("word", at)) != std::string::npos; ++at) {
            ++count;
        }
        return count;
    }
};

class StreamCrowd {
public:
    StreamCrowd(const Gateway& gateway, std::mt19937& random, std::size_t size,
                const std::string& round) {
        for (std::size_t i = 0; i < size; ++i) {
            const bool is_alice = i % 2 == 0;
            Member member{.id = round + "-" + std::to_string(i),
                          .user = is_alice ? "alice" : "bob",
                          .wire = Wire::connect(gateway.port())};
            if (i % 5 != 0) member.leaves_after = 1 + static_cast<int>(random() % 3);
            member.leaves_by_reset = random() % 2 == 0;
            const std::string bytes =
                post_json("/v1/chat/completions", is_alice ? alice_key : bob_key,
                          chat_body("crowded", true), "X-Client-Request-Id: " + member.id + "\r\n");
            member.wire.write_all(bytes);
            members_.push_back(std::move(member));
        }
    }

    /// Reads what has come. Clients with enough events leave. True if none is left that will leave.
    bool sweep() {
        bool is_done = true;
        for (Member& member : members_) {
            if (member.is_over) continue;
            ReadResult result = member.wire.read_some(Deadline(milliseconds(0)));
            member.received += result.bytes;
            if (result.end == ReadEnd::eof || result.end == ReadEnd::reset) {
                member.is_over = true;
                continue;
            }
            if (member.leaves_after == 0) continue;
            is_done = false;
            if (member.events() >= member.leaves_after) {
                member.left = Clock::now();
                member.is_over = true;
                member.leaves_by_reset ? member.wire.reset() : member.wire.close();
            }
        }
        return is_done;
    }
    /// True when each of those who stayed has its whole stream.
    bool has_heard_all() {
        sweep();
        return std::all_of(members_.begin(), members_.end(), [](const Member& member) {
            return member.leaves_after > 0 || member.received.ends_with("\r\n0\r\n\r\n");
        });
    }
    [[nodiscard]] const std::vector<Member>& members() const { return members_; }
    [[nodiscard]] std::size_t staying() const {
        return static_cast<std::size_t>(
            std::count_if(members_.begin(), members_.end(),
                          [](const Member& member) { return member.leaves_after == 0; }));
    }
    /// Ends the connections of those who stayed.
    void disperse() {
        for (Member& member : members_) member.wire.close();
    }

private:
    std::vector<Member> members_;
};

double settled(const Gateway& gateway, const std::string& user) {
    return metric(gateway, "sluicegate_user_tokens_total",
                  {"user=\"" + user + "\"", "kind=\"settled\""});
}

double used(const Gateway& gateway, const std::string& user) {
    return metric(gateway, "sluicegate_user_tokens_total",
                  {"user=\"" + user + "\"", "kind=\"input\""}) +
           metric(gateway, "sluicegate_user_tokens_total",
                  {"user=\"" + user + "\"", "kind=\"output\""});
}

TEST(ManyStreams, AThousandWhoseClientsLeaveAtRandomLeaveNothingBehind) {
    constexpr std::size_t size = 1000;
    constexpr int prompt_tokens = 11;
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    StreamFarm farm(milliseconds(600), prompt_tokens);
    ConfigText config(farm.base_url(), "pool: {max_idle: 0}");
    config.admin_lines = "  user_metrics: true\n";
    config.models +=
        "  crowded: {limits: {tpm: 100000000, concurrency: 2000}, route: [{upstream: up}]}\n";
    DaemonOptions options;
    options.descriptors_max = 4096;
    // What the address sanitizer keeps back of freed memory must not look like a leak.
    options.environment["ASAN_OPTIONS"] = "quarantine_size_mb=8";
    Gateway gateway(config, options);
    const std::size_t descriptors = gateway.daemon().open_descriptors();
    std::size_t memory = 0;
    std::map<std::string, double> reported;

    for (const std::string round : {"first", "second"}) {
        SCOPED_TRACE(round);
        farm.finish_streams(false);
        StreamCrowd crowd(gateway, random, size, round);
        ASSERT_TRUE(eventually([&] { return crowd.sweep(); }, Deadline(milliseconds(30'000))));
        ASSERT_TRUE(farm.wait_for_running(crowd.staying(), Deadline(milliseconds(30'000))));
        farm.finish_streams();
        ASSERT_TRUE(
            eventually([&] { return crowd.has_heard_all(); }, Deadline(milliseconds(30'000))));
        crowd.disperse();

        const std::map<std::string, FarmStream> streams = farm.streams();
        for (const Member& member : crowd.members()) {
            SCOPED_TRACE(member.id);
            const FarmStream& stream = streams.at(member.id);
            EXPECT_EQ(stream.left.has_value(), member.left.has_value());
            EXPECT_EQ(stream.was_finished, !member.left.has_value());
            if (member.left && stream.left) {
                EXPECT_LE(*stream.left - *member.left, promised_and_scheduling);
            } else {
                EXPECT_EQ(member.events(), stream.events);
                EXPECT_NE(member.received.find("[DONE]"), std::string::npos);
                reported[member.user] += prompt_tokens + stream.events;
            }
            if (HasFailure()) return;
        }
        // One more may stay that the process opened for the first time.
        EXPECT_TRUE(eventually([&] {
            return gateway.daemon().open_descriptors() <= descriptors + 1;
        })) << gateway.daemon().open_descriptors()
            << " descriptors, not " << descriptors;
        EXPECT_TRUE(
            eventually([&] { return metric(gateway, "sluicegate_requests_in_flight") == 0.0; }));
        if (memory == 0) memory = gateway.daemon().resident_bytes();
    }
    EXPECT_LT(gateway.daemon().resident_bytes(), memory + (std::size_t{32} << 20));

    const double by_report = metric(gateway, "sluicegate_tokens_total",
                                    {"model=\"crowded\"", "kind=\"input\"", "reported"}) +
                             metric(gateway, "sluicegate_tokens_total",
                                    {"model=\"crowded\"", "kind=\"output\"", "reported"});
    EXPECT_EQ(by_report, reported["alice"] + reported["bob"]);
    for (const std::string user : {"alice", "bob"}) {
        SCOPED_TRACE(user);
        EXPECT_GT(settled(gateway, user), reported[user]) << "those who left pay too";
        EXPECT_EQ(settled(gateway, user), used(gateway, user));
    }
    EXPECT_EQ(metric(gateway, "sluicegate_limiter_settled_tokens_total", {"model=\"crowded\""}),
              settled(gateway, "alice") + settled(gateway, "bob"));
}

}  // namespace
}  // namespace sluicegate::support
