// A worker thread that hangs: the admin port says so, and says when it goes on.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"
#include "support/stopped_thread.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <optional>
#include <string>

namespace sluicegate::support {
namespace {

class StalledWorker : public testing::Test {
protected:
    /// Lines of that event so far.
    int count(std::string_view event) {
        int lines = 0;
        const std::string log = gateway_.daemon().log();
        const std::string field = "\"event\":\"" + std::string(event) + "\"";
        for (std::size_t at = 0; (at = log.find(field, at)) != std::string::npos; ++at) ++lines;
        return lines;
    }
    bool becomes(std::string_view target, int status) {
        return eventually([&] { return gateway_.admin(target).status == status; });
    }

    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

TEST_F(StalledWorker, TurnsLivezAndReadyz503UntilItRunsAgain) {
    expect_success(gateway_.chat(alice_key, "m"));
    EXPECT_EQ(gateway_.admin("/livez").status, 200);
    std::optional<StoppedThread> stopped(std::in_place, gateway_.daemon().pid(), "worker 1");
    ASSERT_TRUE(stopped->is_stopped());
    let_time_pass(milliseconds(3000));
    EXPECT_EQ(gateway_.admin("/livez").status, 200) << "the threshold is 5 s";
    ASSERT_TRUE(becomes("/livez", 503));
    const Response live = gateway_.admin("/livez");
    EXPECT_EQ(live.status, 503);
    EXPECT_TRUE(live.body.starts_with("worker 1 is stalled since 20")) << live.body;
    EXPECT_EQ(live.body.find("worker 0"), std::string::npos);
    const Response ready = gateway_.admin("/readyz");
    EXPECT_EQ(ready.status, 503);
    EXPECT_TRUE(ready.body.starts_with("worker 1 is stalled since 20")) << ready.body;
    EXPECT_GE(metric(gateway_, "sluicegate_worker_stalled_seconds", {"worker=\"1\""}), 5.0);
    EXPECT_EQ(metric(gateway_, "sluicegate_worker_stalled_seconds", {"worker=\"0\""}), 0.0);
    EXPECT_EQ(gateway_.admin("/status").status, 200);
    EXPECT_TRUE(gateway_.daemon().wait_for_event("worker_stalled"));

    stopped.reset();
    EXPECT_TRUE(becomes("/livez", 200));
    EXPECT_TRUE(becomes("/readyz", 200));
    EXPECT_TRUE(gateway_.daemon().wait_for_event("worker_resumed"));
    EXPECT_EQ(metric(gateway_, "sluicegate_worker_stalled_seconds"), 0.0);
    EXPECT_EQ(count("worker_stalled"), 1);
    expect_success(gateway_.chat(alice_key, "m"));
}

TEST_F(StalledWorker, IsNotSeenWhereTheWholeProcessStoodStill) {
    gateway_.daemon().signal(SIGSTOP);
    let_time_pass(milliseconds(6000));
    gateway_.daemon().signal(SIGCONT);
    EXPECT_EQ(gateway_.admin("/livez").status, 200);
    let_time_pass(milliseconds(600));
    EXPECT_EQ(gateway_.admin("/livez").status, 200);
    EXPECT_EQ(count("worker_stalled"), 0);
}

}  // namespace
}  // namespace sluicegate::support
