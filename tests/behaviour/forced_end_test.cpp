// A process that was told to end does end, whatever hangs in it: at most 5 s after the deadline of
// the drain, with status 1, and without forgetting what was charged.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"
#include "support/paths.hpp"
#include "support/stopped_thread.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <utility>
#include <vector>

namespace sluicegate::support {
namespace {

using std::chrono::steady_clock;

/// What is allowed after the deadline of the drain, and a machine's own slowness.
constexpr milliseconds allowed{5000};
constexpr milliseconds slowness{2000};

class ForcedEnd : public testing::Test {
protected:
    ForcedEnd() {
        config_.limiter_lines =
            "  state_file: \"" + (folder_.path() / "limiter.state").string() + "\"\n";
    }
    void start(const std::string& drain) {
        config_.timeouts = "{header: 20s, body: 20s, idle: 75s, drain: " + drain + "}";
        gateway_.emplace(config_);
    }
    [[nodiscard]] Daemon& daemon() { return gateway_->daemon(); }
    /// The exit status, and how long after `began` it came.
    void expect_end(int status, steady_clock::time_point began, milliseconds within) {
        const auto ended = daemon().wait_for_exit(Deadline(within + patience));
        ASSERT_TRUE(ended) << "it still runs";
        EXPECT_EQ(*ended, status);
        EXPECT_LE(steady_clock::now() - began, within + slowness);
    }
    /// The thread called `hanging` ("": the control thread) does not run when the signals come,
    /// each after the daemon has said that it understood the one before.
    void end_while_one_hangs(const std::string& hanging, const std::vector<int>& signals,
                             milliseconds within) {
        expect_success(gateway_->chat(alice_key, "limited"));
        const StoppedThread stopped(daemon().pid(), hanging);
        ASSERT_TRUE(stopped.is_stopped());
        auto began = steady_clock::now();
        const char* understood = "draining";
        for (std::size_t i = 0; i < signals.size(); ++i) {
            if (i > 0) {
                ASSERT_TRUE(daemon().wait_for_event(std::exchange(understood, "drain")));
            }
            began = steady_clock::now();
            daemon().signal(signals[i]);
        }
        expect_end(1, began, within);
    }
    void expect_words(std::string_view words) {
        EXPECT_NE(daemon().log().find(words), std::string::npos) << daemon().log();
    }
    /// alice had used one of three before.
    void expect_two_left_after_a_restart() {
        gateway_.reset();
        start("1s");
        EXPECT_EQ(gateway_->chat(alice_key, "limited").status, 200);
        EXPECT_EQ(gateway_->chat(alice_key, "limited").status, 200);
        EXPECT_EQ(gateway_->chat(alice_key, "limited").status, 429);
    }

    FakeUpstream upstream_;
    TemporaryFolder folder_;
    ConfigText config_{upstream_.base_url()};
    std::optional<Gateway> gateway_;
};

TEST_F(ForcedEnd, ComesThoughAWorkerHangs) {
    start("500ms");
    end_while_one_hangs("worker 0", {SIGTERM}, milliseconds(500) + allowed);
    EXPECT_TRUE(daemon().wait_for_event("forced_end"));
    expect_words("sluicegate: forced end: workers that did not stop: 0;");
    expect_two_left_after_a_restart();
}

TEST_F(ForcedEnd, ComesSoonerAfterASecondSignal) {
    start("1h");
    end_while_one_hangs("worker 1", {SIGTERM, SIGINT}, allowed);
    expect_two_left_after_a_restart();
}

TEST_F(ForcedEnd, ComesAtOnceAfterAThirdSignal) {
    start("1h");
    end_while_one_hangs("worker 1", {SIGTERM, SIGTERM, SIGTERM}, milliseconds(500));
    expect_two_left_after_a_restart();
}

// The control thread saves the state and looks files up: a disk may hold it.
TEST_F(ForcedEnd, ComesThoughTheControlThreadHangs) {
    start("500ms");
    end_while_one_hangs("", {SIGTERM}, milliseconds(500) + allowed);
    expect_words("sluicegate: ended at once: it did not end in time");
    expect_two_left_after_a_restart();
}

TEST_F(ForcedEnd, ComesThoughNothingReadsTheLog) {
    start("500ms");
    expect_success(gateway_->chat(alice_key, "limited"));
    daemon().stop_reading_log();
    for (int i = 0; i < 60; ++i) expect_success(gateway_->chat(alice_key, "m"));
    const auto began = steady_clock::now();
    daemon().signal(SIGTERM);
    expect_end(1, began, milliseconds(500) + allowed);
    expect_two_left_after_a_restart();
}

TEST_F(ForcedEnd, ComesThoughNothingReadsTheLogAndAWorkerHangs) {
    start("500ms");
    daemon().stop_reading_log();
    for (int i = 0; i < 60; ++i) expect_success(gateway_->chat(alice_key, "m"));
    const StoppedThread stopped(daemon().pid(), "worker 0");
    ASSERT_TRUE(stopped.is_stopped());
    const auto began = steady_clock::now();
    daemon().signal(SIGTERM);
    expect_end(1, began, milliseconds(500) + allowed);
}

TEST_F(ForcedEnd, IsNotNeededWhereNothingHangs) {
    start("20s");
    expect_success(gateway_->chat(alice_key, "limited"));
    daemon().signal(SIGTERM);
    expect_end(0, steady_clock::now(), milliseconds(1000));
    expect_two_left_after_a_restart();
}

// From before main() until it serves, on two listeners.
TEST_F(ForcedEnd, IsNotNeededForASignalDuringTheStart) {
    config_.listener_tls = "    - address: 127.0.0.1:0\n";
    folder_.write("sluicegate.yaml", config_.text());
    for (int delay_ms = 1; delay_ms <= 40; delay_ms += 3) {
        const std::string command = "timeout --preserve-status --kill-after=10 -s TERM " +
                                    std::to_string(delay_ms / 1000.0) + " " +
                                    built_binary().string() + " serve --config " +
                                    folder_.file("sluicegate.yaml") + " >/dev/null 2>&1";
        const int status = std::system(command.c_str());
        ASSERT_TRUE(WIFEXITED(status));
        // 143: the signal came before the program could take it.
        EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 143)
            << WEXITSTATUS(status) << " after " << delay_ms << " ms";
    }
}

}  // namespace
}  // namespace sluicegate::support
