#pragma once
/// A process as the tests of the limiter's state see it: its limiter, its names, its clock, and the
/// folder of its files.

#include "sluicegate/app/limiter_state.hpp"
#include "sluicegate/limit/limiter.hpp"

#include "net/manual_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sluicegate::test {

inline constexpr std::size_t journal_records = 1U << 14U;

/// One process: its limiter, the names it knows, its clock and the file.
struct Process {
    explicit Process(std::string file, limit::StateNames known = {.users = {"alice", "bob"},
                                                                  .models = {"gpt", "claude"}})
        : names(std::move(known)), state(settings_for(std::move(file)), limiter, clock) {}

    static app::LimiterState::Settings settings_for(std::string file) {
        return {.file = std::move(file), .journal_records = journal_records, .boot_id = "boot-1"};
    }

    template <class Id>
    static std::optional<Id> find(const std::vector<std::string>& names, std::string_view name) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) return std::nullopt;
        return Id{static_cast<std::uint32_t>(found - names.begin())};
    }
    UserId user(std::string_view name) const { return *find<UserId>(names.users, name); }
    ModelId model(std::string_view name) const { return *find<ModelId>(names.models, name); }

    Result<app::RestoreReport> restore() {
        return state.restore(
            {.user = [this](std::string_view name) { return find<UserId>(names.users, name); },
             .model = [this](std::string_view name) { return find<ModelId>(names.models, name); }},
            names);
    }
    void use(std::string_view who, std::string_view what, int requests = 1,
             std::int64_t tokens = 0) {
        for (int i = 0; i < requests; ++i) {
            limiter.admit(user(who), model(what), {}, {.stated = tokens}, clock.now())
                .reservation.settle(tokens, clock.now());
        }
    }
    app::JournalReport tick() {
        return state.tick([this] { return names; });
    }
    std::int64_t used(std::string_view who, std::string_view what) {
        const limit::Plan plan{.rpm = 1000, .tpm = 1'000'000};
        return limiter.peek(user(who), model(what), plan, clock.now()).requests.used;
    }

    limit::StateNames names;
    ManualClock clock;
    limit::Limiter limiter{{.slots = 1024}};
    app::LimiterState state;
};

class LimiterFolder : public testing::Test {
protected:
    LimiterFolder() {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    ~LimiterFolder() override { std::filesystem::remove_all(folder_); }

    /// A process that used some and ended cleanly.
    void leave_behind(int requests) {
        Process before(file());
        ASSERT_TRUE(before.restore());
        before.use("alice", "gpt", requests);
        ASSERT_TRUE(before.state.finish(before.names));
    }
    std::string journal() const { return file() + ".journal"; }
    std::string file() const { return (folder_ / "limits.state").string(); }
    std::string read() const {
        std::ifstream in(file(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& bytes) const {
        std::ofstream(file(), std::ios::binary | std::ios::trunc) << bytes;
    }

    const std::filesystem::path folder_ =
        std::filesystem::path(testing::TempDir()) /
        ("sluicegate-limiter-state-" + std::to_string(::getpid()));
};

}  // namespace sluicegate::test
