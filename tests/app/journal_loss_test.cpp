// What others do to the limiter's files: the process goes on, and nothing of theirs is overwritten.
#include "sluicegate/limit/state_codec.hpp"

#include "app/limiter_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluicegate::app {
namespace {

namespace fs = std::filesystem;
using test::Process;
using testing::HasSubstr;

std::string content_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

void put(const std::string& file, std::string_view bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

struct Damage {
    std::string name;
    std::function<void(const std::string& journal)> act;
};

std::vector<Damage> damages() {
    return {
        {"truncated", [](const auto& file) { fs::resize_file(file, 0); }},
        {"a page is left", [](const auto& file) { fs::resize_file(file, 4096); }},
        {"half is left", [](const auto& file) { fs::resize_file(file, fs::file_size(file) / 2); }},
        {"the last byte is gone",
         [](const auto& file) { fs::resize_file(file, fs::file_size(file) - 1); }},
        {"longer", [](const auto& file) { fs::resize_file(file, fs::file_size(file) + 1); }},
        {"truncated, then as long as before",
         [](const auto& file) {
             const auto size = fs::file_size(file);
             fs::resize_file(file, 0);
             fs::resize_file(file, size);
         }},
        {"the header is left, then as long as before",
         [](const auto& file) {
             const auto size = fs::file_size(file);
             fs::resize_file(file, 4096);
             fs::resize_file(file, size);
         }},
        {"overwritten", [](const auto& file) { put(file, "nothing"); }},
        {"deleted", [](const auto& file) { fs::remove(file); }},
        {"renamed", [](const auto& file) { fs::rename(file, file + ".old"); }},
        {"replaced by a copy",
         [](const auto& file) {
             fs::copy_file(file, file + ".copy");
             fs::rename(file + ".copy", file);
         }},
        {"replaced by an empty file",
         [](const auto& file) {
             fs::remove(file);
             put(file, "");
         }},
    };
}

using JournalLoss = test::LimiterFolder;

TEST_F(JournalLoss, IsNoticedAndTheJournalMadeAnew) {
    for (const Damage& damage : damages()) {
        SCOPED_TRACE(damage.name);
        fs::remove_all(folder_);
        fs::create_directories(folder_);
        {
            Process process(file());
            ASSERT_TRUE(process.restore());
            process.use("alice", "gpt", 3);
            EXPECT_EQ(process.tick().lost, "");
            damage.act(journal());
            process.use("alice", "gpt", 2);
            const JournalReport report = process.tick();
            EXPECT_NE(report.lost, "");
            EXPECT_EQ(report.not_remade, "");
            EXPECT_TRUE(report.is_remade);
            process.use("alice", "gpt", 2);
            for (int i = 0; i < 3; ++i) {
                EXPECT_EQ(process.tick().lost, "");
                process.clock.advance(Milliseconds(100));
            }
        }
        Process after(file());
        const auto report = after.restore();
        ASSERT_TRUE(report);
        EXPECT_EQ(report->journaled, 2U);
        EXPECT_EQ(after.used("alice", "gpt"), 7);
    }
}

TEST_F(JournalLoss, IsNoticedAfterATurnOfTheRing) {
    Process process(file());
    ASSERT_TRUE(process.restore());
    // The last place of the ring has the record that a cut file loses, not the newest.
    process.use("alice", "gpt", test::journal_records - 10);
    ASSERT_TRUE(process.state.save(process.names));
    process.use("alice", "gpt", 30);
    EXPECT_EQ(process.tick().lost, "");
    EXPECT_EQ(process.tick().lost, "");
    const auto size = fs::file_size(journal());
    fs::resize_file(journal(), size / 2);
    fs::resize_file(journal(), size);
    EXPECT_NE(process.tick().lost, "");
}

TEST_F(JournalLoss, DoesNoHarmToThreadsThatAreCharging) {
    Process process(file());
    ASSERT_TRUE(process.restore());
    std::atomic<bool> is_done{false};
    std::atomic<int> admitted{0};
    std::vector<std::jthread> workers;
    for (int i = 0; i < 3; ++i) {
        workers.emplace_back([&] {
            while (!is_done) {
                process.use("alice", "gpt");
                ++admitted;
            }
        });
    }
    int remade = 0;
    for (int round = 0; round < 100; ++round) {
        const int before = admitted;
        fs::resize_file(journal(), 0);
        while (admitted < before + 10) std::this_thread::yield();
        const JournalReport report = process.tick();
        remade += report.is_remade ? 1 : 0;
        EXPECT_EQ(report.not_remade, "");
        process.clock.advance(LimiterState::remake_again);
    }
    is_done = true;
    workers.clear();
    EXPECT_GT(remade, 90);
}

TEST_F(JournalLoss, IsAnsweredAtMostOnceInTenSeconds) {
    Process process(file());
    ASSERT_TRUE(process.restore());
    fs::remove(journal());
    EXPECT_TRUE(process.tick().is_remade);
    fs::remove(journal());
    EXPECT_NE(process.tick().lost, "");
    EXPECT_FALSE(fs::exists(journal()));
    process.clock.advance(LimiterState::remake_again - Milliseconds(1));
    EXPECT_EQ(process.tick().lost, "") << "that was said";
    EXPECT_FALSE(fs::exists(journal()));
    process.clock.advance(Milliseconds(1));
    EXPECT_TRUE(process.tick().is_remade);
    EXPECT_TRUE(fs::exists(journal()));
}

TEST_F(JournalLoss, KeepsAStateEveryFiveSecondsWhileNothingCanBeJournaled) {
    const std::string theirs = (folder_ / "theirs").string();
    put(theirs, "precious");
    {
        Process process(file());
        ASSERT_TRUE(process.restore());
        fs::remove(journal());
        fs::create_symlink(theirs, journal());
        process.use("alice", "gpt", 3);
        JournalReport report = process.tick();
        EXPECT_NE(report.lost, "");
        EXPECT_THAT(report.not_remade, HasSubstr("symbolic link"));
        EXPECT_FALSE(process.state.is_due());
        process.clock.advance(LimiterState::save_unjournaled_every);
        EXPECT_TRUE(process.state.is_due());
        ASSERT_TRUE(process.state.save(process.names));
        EXPECT_FALSE(process.state.is_due());
        process.clock.advance(LimiterState::save_unjournaled_every);
        EXPECT_TRUE(process.state.is_due());
    }
    EXPECT_EQ(content_of(theirs), "precious");
    fs::remove(journal());
    Process after(file());
    ASSERT_TRUE(after.restore());
    EXPECT_EQ(after.used("alice", "gpt"), 3);
}

TEST_F(JournalLoss, IsTriedAgainWhenTheObstacleHasGone) {
    Process process(file());
    ASSERT_TRUE(process.restore());
    process.use("alice", "gpt", 3);
    fs::remove(journal());
    fs::create_directory(journal());
    EXPECT_THAT(process.tick().not_remade, HasSubstr("not a regular file"));
    fs::remove(journal());
    process.clock.advance(LimiterState::remake_again);
    const JournalReport report = process.tick();
    EXPECT_EQ(report.lost, "");
    EXPECT_TRUE(report.is_remade);
}

// --- files that are not ours ---

struct Obstacle {
    std::string name;
    std::function<void(const std::string& file, const std::string& theirs)> put_there;
    std::string reason;
};

std::vector<Obstacle> obstacles() {
    return {
        {"a symbolic link",
         [](const auto& file, const auto& theirs) { fs::create_symlink(theirs, file); },
         "symbolic link"},
        {"a symbolic link to nothing",
         [](const auto& file, const auto&) { fs::create_symlink("/nonexistent/x", file); },
         "symbolic link"},
        {"a hard link",
         [](const auto& file, const auto& theirs) { fs::create_hard_link(theirs, file); },
         "hard links"},
        {"a folder", [](const auto& file, const auto&) { fs::create_directories(file + "/in it"); },
         "not a regular file"},
        {"a pipe",
         [](const auto& file, const auto&) { ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0); },
         "not a regular file"},
        {"a file that the group may write to",
         [](const auto& file, const auto&) {
             put(file, "");
             ASSERT_EQ(::chmod(file.c_str(), 0660), 0);
         },
         "other users may write to it"},
        {"a file that all may write to",
         [](const auto& file, const auto&) {
             put(file, "");
             ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
         },
         "other users may write to it"},
        {"a file of another user",
         [](const auto& file, const auto&) {
             put(file, "");
             ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
         },
         "belongs to user 12345"},
    };
}

TEST_F(JournalLoss, AFileThatIsNotOursEndsTheStartAndStaysAsItIs) {
    for (const std::string suffix : {"", ".journal", ".tmp"}) {
        for (const Obstacle& obstacle : obstacles()) {
            if (obstacle.name == "a file of another user" && ::geteuid() != 0) continue;
            SCOPED_TRACE(obstacle.name + " as FILE" + suffix);
            fs::remove_all(folder_);
            fs::create_directories(folder_);
            const std::string theirs = (folder_ / "theirs").string();
            put(theirs, "precious");
            obstacle.put_there(file() + suffix, theirs);
            const auto status_before = fs::symlink_status(file() + suffix);

            Process process(file());
            const auto report = process.restore();
            ASSERT_FALSE(report);
            EXPECT_THAT(report.error().detail, HasSubstr(file() + suffix));
            EXPECT_THAT(report.error().detail, HasSubstr(obstacle.reason));
            EXPECT_EQ(content_of(theirs), "precious");
            const auto status_after = fs::symlink_status(file() + suffix);
            EXPECT_EQ(status_after.type(), status_before.type());
            EXPECT_EQ(status_after.permissions(), status_before.permissions());
        }
    }
}

TEST_F(JournalLoss, WhatComesInTheWayLaterIsNotReplaced) {
    Process process(file());
    ASSERT_TRUE(process.restore());
    const std::string theirs = (folder_ / "theirs").string();
    put(theirs, "precious");
    fs::remove(file());
    fs::create_symlink(theirs, file());
    const auto saved = process.state.save(process.names);
    ASSERT_FALSE(saved);
    EXPECT_THAT(saved.error().detail, HasSubstr("symbolic link"));
    EXPECT_EQ(content_of(theirs), "precious");
    EXPECT_TRUE(fs::is_symlink(file()));
}

TEST_F(JournalLoss, WhatIsNoJournalIsSetAside) {
    put(journal(), "the diary of a user");
    Process process(file());
    ASSERT_TRUE(process.restore());
    EXPECT_EQ(content_of(journal() + ".unusable"), "the diary of a user");
}

TEST_F(JournalLoss, AJournalThatOthersMayReadIsMadePrivate) {
    leave_behind(1);
    ASSERT_EQ(::chmod(journal().c_str(), 0644), 0);
    ASSERT_EQ(::chmod(file().c_str(), 0644), 0);
    Process process(file());
    ASSERT_TRUE(process.restore());
    EXPECT_EQ(process.used("alice", "gpt"), 1);
    for (const std::string& name : {file(), journal()}) {
        struct stat status{};
        ASSERT_EQ(::stat(name.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
    }
}

// --- a fault elsewhere ---

using JournalLossDeathTest = test::LimiterFolder;

TEST_F(JournalLossDeathTest, ABusErrorOfAnotherMappingStillKills) {
    const auto touch_a_page_that_is_gone = [this] {
        Process process(file());
        if (!process.restore()) return;
        const std::string other = (folder_ / "other").string();
        put(other, "one page");
        const int descriptor = ::open(other.c_str(), O_RDWR | O_CLOEXEC);
        void* const mapped = ::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, descriptor, 0);
        fs::resize_file(other, 0);
        *static_cast<volatile char*>(mapped) = 'x';
    };
    const auto send_the_signal = [this] {
        Process process(file());
        if (process.restore()) ::raise(SIGBUS);
    };
    const auto dies_of_it = [](int status) {
        // A sanitizer reports it instead, and exits.
        return (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) || WEXITSTATUS(status) == 1;
    };
    EXPECT_EXIT((touch_a_page_that_is_gone(), ::_exit(0)), dies_of_it, "");
    EXPECT_EXIT((send_the_signal(), ::_exit(0)), dies_of_it, "");
}

}  // namespace
}  // namespace sluicegate::app
