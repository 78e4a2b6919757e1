#include "sluicegate/app/limiter_state.hpp"

#include "sluicegate/limit/state_codec.hpp"

#include "app/limiter_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluicegate::app {
namespace {

using limit::Plan;
using test::Process;
using testing::HasSubstr;

using LimiterStateFile = test::LimiterFolder;

TEST_F(LimiterStateFile, BringsBackWhatAProcessLeft) {
    leave_behind(3);
    Process after(file());
    after.clock.advance(Milliseconds(1000));
    const Result<RestoreReport> report = after.restore();
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->was_found);
    EXPECT_EQ(report->set_aside, "");
    EXPECT_EQ(report->keys, 1U);
    EXPECT_EQ(report->journaled, 0U) << "its end was clean";
    EXPECT_EQ(report->age, Milliseconds(1000));
    EXPECT_FALSE(report->by_wall_clock);
    EXPECT_EQ(after.used("alice", "gpt"), 3);
    EXPECT_EQ(after.used("bob", "gpt"), 0);
    after.clock.advance(Milliseconds(58'999));
    EXPECT_EQ(after.used("alice", "gpt"), 3);
    after.clock.advance(Milliseconds(1));
    EXPECT_EQ(after.used("alice", "gpt"), 0);
}

TEST_F(LimiterStateFile, StartsEmptyAndPrivate) {
    Process first(file());
    const Result<RestoreReport> report = first.restore();
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->was_found);
    for (const std::string& name : {file(), file() + ".journal"}) {
        struct stat status{};
        ASSERT_EQ(::stat(name.c_str(), &status), 0) << name;
        EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(file() + ".tmp"));
}

TEST_F(LimiterStateFile, GoesByNames) {
    {
        Process before(file());
        ASSERT_TRUE(before.restore());
        before.use("alice", "gpt", 3);
        before.use("bob", "gpt", 5);
        before.use("bob", "claude", 7);
        ASSERT_TRUE(before.state.save(before.names));
        before.use("alice", "gpt", 1);
        before.use("bob", "claude", 1);
    }
    Process after(file(), {.users = {"zoe", "bob", "alice"}, .models = {"other", "gpt"}});
    const Result<RestoreReport> report = after.restore();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->keys, 2U);
    EXPECT_EQ(report->unknown, 1U);
    EXPECT_EQ(report->journaled, 2U);
    EXPECT_EQ(after.used("alice", "gpt"), 4);
    EXPECT_EQ(after.used("bob", "gpt"), 5);
    EXPECT_EQ(after.used("zoe", "gpt"), 0);
    EXPECT_EQ(after.used("alice", "other"), 0);
}

TEST_F(LimiterStateFile, MeasuresTimeByTheCalendarAfterABoot) {
    struct Row {
        std::string name;
        std::string boot_id;
        std::int64_t clock_ms;  ///< since the end of the process before, by CLOCK_MONOTONIC
        std::int64_t wall_ms;
        std::int64_t age_ms;
    };
    const std::int64_t boot = -std::int64_t{1000} * 3600 * 1000 + 500;
    for (const Row& row : {
             Row{"same boot", "boot-1", 2000, 7000, 2000},
             Row{"same boot, calendar set back", "boot-1", 2000, -90'000, 2000},
             Row{"booted", "boot-2", boot, 20'000, 20'000},
             Row{"booted, calendar set back", "boot-2", boot, -20'000, 0},
             Row{"boot unknown", "", 2000, 20'000, 20'000},
             Row{"same boot by name, but its clock went back", "boot-1", -5, 20'000, 20'000},
         }) {
        SCOPED_TRACE(row.name);
        leave_behind(1);
        test::ManualClock clock;
        clock.set(clock.now() + Milliseconds(row.clock_ms),
                  clock.wall_now() + Milliseconds(row.wall_ms));
        limit::Limiter limiter({.slots = 64});
        LimiterState state(
            {.file = file(), .journal_records = test::journal_records, .boot_id = row.boot_id},
            limiter, clock);
        const auto report = state.restore({.user = [](std::string_view) { return UserId{0}; },
                                           .model = [](std::string_view) { return ModelId{0}; }},
                                          {});
        ASSERT_TRUE(report);
        EXPECT_EQ(report->age, Milliseconds(row.age_ms));
        const auto budgets = limiter.peek(UserId{0}, ModelId{0}, {.rpm = 5}, clock.now());
        EXPECT_EQ(budgets.requests.reset, Milliseconds(60'000 - row.age_ms));
        std::filesystem::remove(file());
    }
}

TEST_F(LimiterStateFile, SetsAsideWhatItCannotUse) {
    leave_behind(3);
    const std::string good = read();
    std::string damaged = good;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] + 1);
    std::string newer = good.substr(0, good.size() - 4);
    newer[16] = 2;
    newer += limit::state_checksum(newer);
    limit::StateEncoder other_window({.window_ms = 1000}, {});
    struct Row {
        std::string name;
        std::string bytes;
        std::string reason;
    };
    for (const Row& row : {
             Row{"empty", "", "not a state file"},
             Row{"damaged", damaged, "checksum"},
             Row{"cut short", good.substr(0, good.size() - 9), "checksum"},
             Row{"of a later version", newer, "has format 2"},
             Row{"about another window", other_window.finish(), "window of 1000 ms"},
             Row{"random", std::string(100'000, '\xA5'), "not a state file"},
         }) {
        SCOPED_TRACE(row.name);
        write(row.bytes);
        Process after(file());
        const Result<RestoreReport> report = after.restore();
        ASSERT_TRUE(report);
        EXPECT_TRUE(report->was_found);
        EXPECT_THAT(report->set_aside, HasSubstr(row.reason));
        EXPECT_EQ(after.used("alice", "gpt"), 0);
        EXPECT_TRUE(std::filesystem::exists(file() + ".unusable"));
        EXPECT_TRUE(limit::StateReader::open(read())) << "a new one is there at once";
    }
}

TEST_F(LimiterStateFile, BelongsToOneProcessAtATime) {
    Process first(file());
    ASSERT_TRUE(first.restore());
    Process second(file());
    Result<RestoreReport> report = second.restore();
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().detail, HasSubstr("is in use by another process"));
}

TEST_F(LimiterStateFile, SaysWhereItCannotBeKept) {
    Process process((folder_ / "missing" / "limits.state").string());
    Result<RestoreReport> report = process.restore();
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().detail, HasSubstr("missing/limits.state"));
    EXPECT_THAT(report.error().detail, HasSubstr("No such file"));
}

TEST_F(LimiterStateFile, FailsToSaveWithoutHarm) {
    Process before(file());
    ASSERT_TRUE(before.restore());
    before.use("alice", "gpt", 2);
    std::filesystem::create_directories(file() + ".tmp/in the way");
    EXPECT_FALSE(before.state.save(before.names));
    before.use("alice", "gpt", 2);
    std::filesystem::remove_all(file() + ".tmp");
    EXPECT_TRUE(limit::StateReader::open(read()));
    EXPECT_TRUE(before.state.save(before.names));
}

TEST_F(LimiterStateFile, LosesNothingWithoutACleanEnd) {
    for (int round = 1; round <= 5; ++round) {
        Process process(file());
        const Result<RestoreReport> report = process.restore();
        ASSERT_TRUE(report);
        EXPECT_EQ(process.used("alice", "gpt"), 7 * (round - 1));
        process.use("alice", "gpt", 3, 10);
        if (round % 2 == 0) {
            ASSERT_TRUE(process.state.save(process.names));
        }
        process.use("alice", "gpt", 4, 10);
    }
}

/// Where the records of a journal begin.
constexpr std::streamoff journal_header_bytes = 4096;

void overwrite(const std::string& file, std::streamoff at, const std::string& bytes) {
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(at);
    out << bytes;
    ASSERT_TRUE(out.flush());
}

TEST_F(LimiterStateFile, BelievesNoRecordThatWasOverwritten) {
    for (const std::string& bytes :
         {std::string(96, '\xFF'), std::string(96, '\0'), std::string(96, 'x'), std::string("x")}) {
        SCOPED_TRACE(bytes.substr(0, 1));
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        {
            Process process(file());
            ASSERT_TRUE(process.restore());
            process.use("alice", "gpt", 10);
        }
        // Of the fourth to the sixth of the ten records, or of the fourth alone.
        overwrite(journal(), journal_header_bytes + 3 * 32, bytes);
        const unsigned damaged = bytes.size() == 1 ? 1 : 3;
        {
            Process after(file());
            const Result<RestoreReport> report = after.restore();
            ASSERT_TRUE(report);
            EXPECT_EQ(report->journaled, 10U - damaged);
            EXPECT_EQ(report->lost, damaged);
            EXPECT_EQ(after.used("alice", "gpt"), 10 - damaged);
        }
        Process again(file());
        const Result<RestoreReport> report = again.restore();
        ASSERT_TRUE(report);
        EXPECT_EQ(report->lost, 0U) << "that was said";
    }
}

TEST_F(LimiterStateFile, ReadsAJournalWithoutChecksums) {
    {
        Process process(file());
        ASSERT_TRUE(process.restore());
        process.use("alice", "gpt", 5);
    }
    // As an older sluicegate wrote it: format 1, and records that end with their number plus 1.
    overwrite(journal(), 20, std::string("\1\0\0\0", 4));
    for (char number = 1; number <= 5; ++number) {
        overwrite(journal(), journal_header_bytes + number * 32 - 8, number + std::string(7, '\0'));
    }
    Process after(file());
    const Result<RestoreReport> report = after.restore();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->journaled, 5U);
    EXPECT_EQ(report->lost, 0U);
    EXPECT_FALSE(report->is_journal_missing);
    EXPECT_EQ(after.used("alice", "gpt"), 5);
}

TEST_F(LimiterStateFile, SaysThatTheJournalOfAStateIsMissing) {
    const auto is_missed = [&](const std::function<void()>& damage) {
        {
            Process process(file());
            EXPECT_TRUE(process.restore());
            process.use("alice", "gpt", 1);
        }
        damage();
        Process after(file());
        const Result<RestoreReport> report = after.restore();
        return report && report->is_journal_missing;
    };
    EXPECT_FALSE(is_missed([] {}));
    EXPECT_TRUE(is_missed([&] { std::filesystem::remove(journal()); }));
    EXPECT_TRUE(is_missed([&] { std::filesystem::resize_file(journal(), 5000); }));
    EXPECT_TRUE(is_missed([&] { overwrite(journal(), 20, "\x7F"); })) << "a format to come";
    EXPECT_TRUE(is_missed([&] { overwrite(journal(), 0, "not a journal"); }));
    std::filesystem::remove(file());
    leave_behind(1);
    std::filesystem::remove(journal());
    Process after(file());
    const Result<RestoreReport> report = after.restore();
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->is_journal_missing) << "a clean end needs none";
}

TEST_F(LimiterStateFile, MeetsOnlyTheJournalOfItsOwnProcess) {
    leave_behind(2);
    {
        Process first(file());
        ASSERT_TRUE(first.restore());
        first.use("alice", "gpt", 1);
    }
    const std::string backup = read();
    {
        Process second(file(), {.users = {"bob", "alice"}, .models = {"gpt"}});
        ASSERT_TRUE(second.restore());
        second.use("bob", "gpt", 5);
    }
    write(backup);  // an administrator knows better
    Process third(file());
    const Result<RestoreReport> report = third.restore();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->journaled, 0U);
    EXPECT_TRUE(report->is_journal_missing) << "nothing is forgotten in silence";
    EXPECT_EQ(third.used("alice", "gpt"), 2);
    EXPECT_EQ(third.used("bob", "gpt"), 0);
}

TEST_F(LimiterStateFile, IsSavedWhenTimeOrTheJournalIsUsedUp) {
    Process process(file());
    ASSERT_TRUE(process.restore());
    process.clock.advance(LimiterState::save_every - Milliseconds(1));
    EXPECT_FALSE(process.state.is_due());
    process.clock.advance(Milliseconds(1));
    EXPECT_TRUE(process.state.is_due());
    ASSERT_TRUE(process.state.save(process.names));
    EXPECT_FALSE(process.state.is_due());
    process.clock.advance(Milliseconds(2000));
    process.clock.advance(LimiterState::save_again);
    process.use("alice", "gpt", test::journal_records / 2 - 1);
    process.tick();
    EXPECT_FALSE(process.state.is_due());
    process.use("alice", "gpt", 1);
    EXPECT_TRUE(process.state.is_due());
    process.use("alice", "gpt", test::journal_records / 2 + 1);
    const Result<SaveReport> report = process.state.save(process.names);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->journal_overran);
    EXPECT_EQ(report->keys, 1U);
    EXPECT_GT(report->bytes, 50U);
    ASSERT_TRUE(process.state.save(process.names));
    EXPECT_FALSE(process.state.is_due());
}

TEST_F(LimiterStateFile, MissesNothingThatIsChargedWhileItIsSaved) {
    constexpr int threads = 3;
    constexpr int each = 1500;
    std::map<std::string, std::int64_t> used;
    {
        Process process(file());
        ASSERT_TRUE(process.restore());
        std::atomic<int> running{threads};
        std::vector<std::jthread> workers;
        for (int thread = 0; thread < threads; ++thread) {
            workers.emplace_back([&process, &running] {
                for (int i = 0; i < each; ++i) process.use(i % 3 == 0 ? "alice" : "bob", "gpt");
                --running;
            });
        }
        while (running > 0) ASSERT_TRUE(process.state.save(process.names));
    }
    Process after(file());
    ASSERT_TRUE(after.restore());
    EXPECT_GE(after.used("alice", "gpt"), threads * each / 3);
    EXPECT_GE(after.used("bob", "gpt"), threads * each * 2 / 3);
}

// --- killed ---

/// What a child tells its parent, in memory that both share.
struct Told {
    std::atomic<std::int64_t> allowed{0};   ///< by the parent: how far the child may go
    std::atomic<std::int64_t> admitted{0};  ///< admissions that were returned
    std::atomic<std::int64_t> tokens{0};    ///< theirs, and those of over-runs that were settled
    std::atomic<bool> is_refused{false};
};

/// Admits by two threads and saves now and then, until it is killed.
[[noreturn]] void run_child(const std::string& file, const Plan& plan, Told& told) {
    Process process(file);
    if (!process.restore()) ::_exit(1);
    std::vector<std::jthread> workers;
    for (int thread = 0; thread < 2; ++thread) {
        workers.emplace_back([&] {
            while (!told.is_refused) {
                if (told.admitted >= told.allowed) continue;
                auto admission = process.limiter.admit(UserId{0}, ModelId{0}, plan, {.stated = 3},
                                                       process.clock.now());
                if (!admission.decision.admitted) {
                    told.is_refused = true;
                    break;
                }
                ++told.admitted;
                told.tokens += 3;
                admission.reservation.settle(5, process.clock.now());
                told.tokens += 2;
            }
        });
    }
    while (true) {
        if (!process.state.save(process.names)) ::_exit(1);
    }
}

TEST_F(LimiterStateFile, GivesNobodyAFreshBudgetWhenItIsKilled) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    void* shared =
        ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    Told& told = *new (shared) Told;
    constexpr Plan plan{.rpm = 8000, .tpm = 30'000};
    int kills = 0;
    while (!told.is_refused && kills < 1000) {
        // All children live at the same moment of their clocks: nothing expires.
        const std::int64_t enough = told.admitted + static_cast<std::int64_t>(random() % 300);
        told.allowed = enough + 30;
        const pid_t child = ::fork();
        if (child == 0) run_child(file(), plan, told);
        ASSERT_GT(child, 0);
        int status = 0;
        while (told.admitted < enough && !told.is_refused) {
            ASSERT_EQ(::waitpid(child, &status, WNOHANG), 0) << "the child ended by itself";
        }
        ::kill(child, SIGKILL);
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ++kills;
    }
    EXPECT_GT(kills, 5);
    EXPECT_LE(told.admitted, *plan.rpm);
    // Law L5 holds at each admission; what two requests in flight use beyond that comes on top.
    EXPECT_LE(told.tokens, *plan.tpm + 2 * 2);
    EXPECT_GE(told.tokens, *plan.tpm / 3) << "counting twice is allowed, not without measure";
    ::munmap(shared, sizeof(Told));
}

}  // namespace
}  // namespace sluicegate::app
