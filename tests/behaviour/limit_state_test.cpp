// A restart gives no user new tokens: with limiter.state_file the counts outlive the process,
// whether it drained or was killed.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"
#include "behaviour/windows.hpp"
#include "support/eventually.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {
namespace {

class LimitState : public testing::Test {
protected:
    LimitState() {
        config_.limiter_lines = "  state_file: \"" + file() + "\"\n";
        config_.models +=
            "  tokens: {limits: {tpm: 1000}, route: [{upstream: up}]}\n"
            "  daily: {limits: {rpd: 2}, route: [{upstream: up}]}\n"
            "  single: {limits: {concurrency: 1}, route: [{upstream: up}]}\n";
    }
    [[nodiscard]] std::string file() const { return (folder_.path() / "limiter.state").string(); }
    void start() { gateway_.emplace(config_); }
    void end(int signal) {
        gateway_->daemon().signal(signal);
        ASSERT_TRUE(gateway_->daemon().wait_for_exit());
        gateway_.reset();
    }
    int admitted_of(std::string_view key, std::string_view model, int attempts) {
        int admitted = 0;
        for (int i = 0; i < attempts; ++i) {
            const Response response = gateway_->chat(key, model);
            EXPECT_TRUE(response.status == 200 || response.status == 429) << response.status;
            admitted += response.status == 200 ? 1 : 0;
        }
        return admitted;
    }

    // Signals outlive the upstream that waits for them.
    Signal never_;
    TemporaryFolder folder_;
    FakeUpstream upstream_;
    ConfigText config_{upstream_.base_url()};
    std::optional<Gateway> gateway_;
};

TEST_F(LimitState, OutlivesADrainAndAKill) {
    for (const int signal : {SIGTERM, SIGKILL}) {
        SCOPED_TRACE(signal == SIGTERM ? "SIGTERM" : "SIGKILL");
        std::filesystem::remove_all(folder_.path());
        std::filesystem::create_directory(folder_.path());
        start();
        EXPECT_EQ(admitted_of(alice_key, "limited", 4), 3);
        EXPECT_EQ(admitted_of(bob_key, "limited", 2), 2);
        EXPECT_EQ(admitted_of(alice_key, "daily", 1), 1);
        end(signal);

        start();
        const Response refused = gateway_->chat(alice_second_key, "limited");
        expect_rate_limited(refused, "rpm");
        EXPECT_LE(number_in(refused, "retry-after-ms"), 66'000);
        EXPECT_GT(number_in(refused, "retry-after-ms"), 0);
        EXPECT_EQ(admitted_of(bob_key, "limited", 5), 3);
        EXPECT_EQ(admitted_of(alice_key, "daily", 2), 1) << "the limit of a day too";
        EXPECT_EQ(admitted_of(alice_key, "other", 4), 3) << "what was not used is free";
        end(signal);

        start();
        EXPECT_EQ(admitted_of(bob_key, "limited", 1), 0) << "after a second restart too";
        end(SIGTERM);
    }
}

TEST_F(LimitState, AKillBetweenChargeAndSettlementForgivesNothing) {
    start();
    upstream_.answer_next(Script().send(sse_head() + chunk(chat_event("one"))).wait(never_));
    TestClient client = gateway_->connect();
    client.send(capped_chat(alice_key, "tokens", 700, true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("one"));
    end(SIGKILL);

    start();
    const Response refused = gateway_->send(capped_chat(alice_key, "tokens", 600));
    expect_rate_limited(refused, "tpm");
    EXPECT_GT(number_in(refused, "retry-after-ms"), 0);
    EXPECT_EQ(gateway_->send(capped_chat(alice_key, "tokens", 100)).status, 200);
}

TEST_F(LimitState, WhatWasInFlightIsNotInFlightAfterwards) {
    for (const int signal : {SIGTERM, SIGKILL}) {
        start();
        const std::size_t before = upstream_.requests().size();
        upstream_.answer_next(Script().wait(never_));
        TestClient client = gateway_->connect();
        client.send(chat_request(alice_key, "single"));
        ASSERT_TRUE(upstream_.wait_for_requests(before + 1));
        expect_rate_limited(gateway_->chat(alice_key, "single"), "concurrency");
        end(signal);
        start();
        EXPECT_EQ(gateway_->chat(alice_key, "single").status, 200);
        end(SIGTERM);
    }
}

TEST_F(LimitState, SettledTokensStaySettled) {
    upstream_.answer(Script().send(chat_answer(400, 500)));
    for (const int signal : {SIGTERM, SIGKILL}) {
        std::filesystem::remove_all(folder_.path());
        std::filesystem::create_directory(folder_.path());
        start();
        expect_success(gateway_->send(capped_chat(alice_key, "tokens", 10)));
        ASSERT_TRUE(eventually(
            [&] { return gateway_->send(capped_chat(alice_key, "tokens", 300)).status == 429; }));
        end(signal);
        start();
        expect_rate_limited(gateway_->send(capped_chat(alice_key, "tokens", 300)), "tpm");
        end(SIGTERM);
    }
}

TEST_F(LimitState, CountsFollowTheNamesAndNotTheOrderOfTheFile) {
    start();
    EXPECT_EQ(admitted_of(alice_key, "limited", 3), 3);
    EXPECT_EQ(admitted_of(narrow_key, "other", 1), 1);
    end(SIGTERM);
    const std::size_t bob = config_.users.find("  bob:");
    const std::size_t carol = config_.users.find("  carol:");
    const std::string alice = config_.users.substr(0, bob);
    config_.users = "  aaron:\n    keys:\n" + key_line("a", "sk-aaron") +
                    config_.users.substr(carol) + config_.users.substr(bob, carol - bob) + alice;
    config_.models = "  first: {limits: {rpm: 1}, route: [{upstream: up}]}\n" + config_.models;
    start();
    EXPECT_EQ(admitted_of(alice_key, "limited", 2), 0);
    EXPECT_EQ(admitted_of("sk-aaron", "limited", 4), 3);
    EXPECT_EQ(admitted_of(narrow_key, "other", 3), 2);
    EXPECT_EQ(admitted_of(alice_key, "first", 2), 1);
}

TEST_F(LimitState, ADamagedFileIsReportedAndNoReasonNotToServe) {
    start();
    EXPECT_EQ(admitted_of(alice_key, "limited", 3), 3);
    end(SIGTERM);
    std::string good;
    {
        std::ifstream in(file(), std::ios::binary);
        good.assign(std::istreambuf_iterator<char>(in), {});
    }
    ASSERT_FALSE(good.empty());
    std::string flipped = good;
    flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x20);
    struct Row {
        std::string name, bytes;
    };
    const std::vector<Row> rows{{"garbage", "this is no state at all"},
                                {"cut", good.substr(0, good.size() / 2)},
                                {"one bit", flipped},
                                {"more", good + "more"}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        std::filesystem::remove_all(folder_.path());
        std::filesystem::create_directory(folder_.path());
        {
            std::ofstream out(file(), std::ios::binary);
            out << row.bytes;
        }
        start();
        EXPECT_TRUE(gateway_->daemon().wait_for_log([](const nlohmann::json& line) {
            const std::string level = line.value("level", "");
            return (level == "warn" || level == "error") &&
                   line.dump().find("state") != std::string::npos;
        })) << gateway_->daemon().log();
        EXPECT_EQ(admitted_of(alice_key, "limited", 4), 3);
        end(SIGTERM);
    }
}

TEST_F(LimitState, WithoutItARestartForgets) {
    config_.limiter_lines.clear();
    start();
    EXPECT_EQ(admitted_of(alice_key, "limited", 4), 3);
    end(SIGTERM);
    start();
    EXPECT_EQ(admitted_of(alice_key, "limited", 4), 3);
}

TEST_F(LimitState, NoWindowAcrossKillsHoldsMoreThanTheLimit) {
    constexpr milliseconds window{2500};
    config_.window = "2500ms";
    config_.models += "  busy: {limits: {rpm: 20}, route: [{upstream: up}]}\n";
    std::map<std::string, std::chrono::steady_clock::time_point> sent;
    std::mutex mutex;
    int number = 0;
    for (const int signal : {SIGKILL, SIGTERM, SIGKILL, SIGTERM}) {
        start();
        std::atomic<bool> is_stopping{false};
        std::vector<std::thread> clients;
        for (int i = 0; i < 3; ++i) {
            clients.emplace_back([&] {
                while (!is_stopping) {
                    std::string id;
                    {
                        const std::scoped_lock lock(mutex);
                        id = std::to_string(number++);
                        sent[id] = std::chrono::steady_clock::now();
                    }
                    try {
                        static_cast<void>(gateway_->send(
                            post_json("/v1/chat/completions", alice_key, chat_body("busy"),
                                      "X-Client-Request-Id: " + id + "\r\n")));
                    } catch (const std::exception&) {
                        // The daemon is gone.
                    }
                    let_time_pass(milliseconds(3));
                }
            });
        }
        let_time_pass(milliseconds(700));
        gateway_->daemon().signal(signal);
        EXPECT_TRUE(gateway_->daemon().wait_for_exit());
        is_stopping = true;
        for (std::thread& client : clients) client.join();
        gateway_.reset();
    }
    std::vector<AdmittedRequest> all;
    for (const ReceivedRequest& request : upstream_.requests()) {
        all.push_back({.sent = sent.at(request.head.value("x-client-request-id")),
                       .arrived = request.arrived,
                       .cost = 1});
    }
    EXPECT_GE(all.size(), 20U);
    // Ages are carried over by the wall clock, which may be a little off the other.
    EXPECT_LE(most_in_a_window(all, window, milliseconds(10)), 20);
}

TEST_F(LimitState, ALostJournalCostsNoRequestAndIsMadeAnew) {
    const std::string journal = file() + ".journal";
    const auto truncate = [&] { std::filesystem::resize_file(journal, 0); };
    const auto remove = [&] { std::filesystem::remove(journal); };
    for (const std::function<void()>& damage : {std::function(truncate), std::function(remove)}) {
        std::filesystem::remove_all(folder_.path());
        std::filesystem::create_directory(folder_.path());
        start();
        EXPECT_EQ(metric(*gateway_, "sluicegate_limiter_journal_losses_total"), 0);
        EXPECT_EQ(admitted_of(alice_key, "limited", 1), 1);
        damage();
        EXPECT_EQ(admitted_of(alice_key, "limited", 1), 1);
        const auto says = [&](std::string_view words) {
            return gateway_->daemon().wait_for_log([&](const nlohmann::json& line) {
                return line.value("event", "") == "limiter_journal" &&
                       line.value("message", "").find(words) != std::string::npos;
            });
        };
        EXPECT_TRUE(says("the journal is lost"));
        EXPECT_TRUE(says("made anew"));
        EXPECT_EQ(metric(*gateway_, "sluicegate_limiter_journal_losses_total"), 1);
        EXPECT_EQ(metric(*gateway_, "sluicegate_limiter_journal_lost"), 0);
        EXPECT_EQ(admitted_of(bob_key, "limited", 2), 2);
        end(SIGKILL);

        start();
        EXPECT_EQ(admitted_of(alice_key, "limited", 2), 1);
        EXPECT_EQ(admitted_of(bob_key, "limited", 6), 3);
        end(SIGTERM);
    }
}

TEST_F(LimitState, OverwrittenRecordsDoNotCountAndAreReported) {
    start();
    EXPECT_EQ(admitted_of(alice_key, "limited", 2), 2);
    end(SIGKILL);
    {
        std::fstream journal(file() + ".journal", std::ios::binary | std::ios::in | std::ios::out);
        journal.seekp(4096);
        journal << std::string(32, '\xFF');
        ASSERT_TRUE(journal.flush());
    }
    start();
    EXPECT_TRUE(gateway_->daemon().wait_for_log([](const nlohmann::json& line) {
        return line.value("event", "") == "limiter_journal" && line.value("lost", 0) == 1 &&
               line.value("level", "") == "warn";
    }));
    EXPECT_EQ(admitted_of(alice_key, "limited", 6), 2) << "the record behind it counts";
    end(SIGTERM);
}

TEST_F(LimitState, GoesOnWithoutAJournalWhereNoneCanBeMade) {
    start();
    const std::string journal = file() + ".journal";
    std::filesystem::remove(journal);
    std::filesystem::create_symlink(file(), journal);
    ASSERT_TRUE(
        eventually([&] { return metric(*gateway_, "sluicegate_limiter_journal_lost") == 1.0; }));
    EXPECT_EQ(admitted_of(alice_key, "limited", 4), 3);
    EXPECT_TRUE(std::filesystem::is_symlink(journal));
    EXPECT_EQ(gateway_->admin("/livez").status, 200);
    std::filesystem::remove(journal);
    end(SIGTERM);
    start();
    EXPECT_EQ(admitted_of(alice_key, "limited", 1), 0) << "the last state has everything";
    end(SIGTERM);
}

TEST_F(LimitState, AFileThatIsNotOursEndsTheStart) {
    const std::filesystem::path theirs = folder_.path() / "theirs";
    for (const std::string suffix : {"", ".journal"}) {
        std::ofstream(theirs) << "precious";
        std::filesystem::create_symlink(theirs, file() + suffix);
        try {
            start();
            ADD_FAILURE() << "it started on a symbolic link";
        } catch (const std::runtime_error& error) {
            EXPECT_NE(std::string(error.what()).find("symbolic link"), std::string::npos)
                << error.what();
        }
        std::ifstream in(theirs);
        std::string content;
        std::getline(in, content);
        EXPECT_EQ(content, "precious");
        std::filesystem::remove_all(folder_.path());
        std::filesystem::create_directory(folder_.path());
    }
}

}  // namespace
}  // namespace sluicegate::support
