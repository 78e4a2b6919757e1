#include "sluicegate/route/quota.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

namespace sluicegate::route {
namespace {

using test::at;
using Kind = Quota::Availability::Kind;
using Allowance = QuotaReport::Allowance;

QuotaReport of_tokens(std::int64_t limit, std::int64_t remaining, std::int64_t reset_ms) {
    return {.requests = std::nullopt,
            .tokens = Allowance{limit, remaining, Milliseconds(reset_ms)}};
}

TEST(Quota, CoolsForAsLongAsThe429Says) {
    Quota quota;
    EXPECT_EQ(quota.availability(1, at(0)).kind, Kind::ok);
    EXPECT_EQ(quota.refused(1, Milliseconds(2'000), at(0)), Milliseconds(2'000));
    EXPECT_EQ(quota.availability(1, at(500)).kind, Kind::cooling);
    EXPECT_EQ(quota.availability(1, at(500)).wait, Milliseconds(1'500));
    EXPECT_EQ(quota.status(at(500)).cooling_until, at(2'000));
    EXPECT_EQ(quota.availability(1, at(2'000)).kind, Kind::ok);
    EXPECT_FALSE(quota.status(at(2'000)).cooling_until);
}

TEST(Quota, IsToldToTheLogOnceForEachCoolDown) {
    Quota quota;
    std::atomic<int> told{0};
    test::together(8, [&](int thread) {
        if (quota.refused(1, Milliseconds(1'000 + thread), at(0))) ++told;
    });
    EXPECT_EQ(told, 1);
    EXPECT_EQ(quota.status(at(0)).cooling_until, at(1'007)) << "the longest holds";
    EXPECT_TRUE(quota.refused(1, Milliseconds(1), at(2'000)));
}

TEST(Quota, StaysOutOfTheWayAfterAStray429WithoutAWait) {
    Quota quota;
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(quota.refused(1, Milliseconds(0), at(i)));
        EXPECT_FALSE(quota.refused(1, Milliseconds(0), at(i)));
        EXPECT_EQ(quota.availability(1, at(i)).kind, Kind::ok);
        quota.accepted();
    }
}

TEST(Quota, CoolsLongerEachTimeItIsRefusedInARowWithoutAWait) {
    Quota quota;
    std::int64_t now = 0;
    EXPECT_FALSE(quota.refused(1, Milliseconds(0), at(now)));
    EXPECT_FALSE(quota.refused(1, Milliseconds(0), at(now)));
    for (const std::int64_t wait : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
        SCOPED_TRACE(wait);
        EXPECT_EQ(quota.refused(1, Milliseconds(0), at(now)), Milliseconds(wait));
        // Answers to what was on its way change nothing.
        EXPECT_FALSE(quota.refused(1, Milliseconds(0), at(now + wait - 1)));
        EXPECT_EQ(quota.availability(1, at(now + wait - 1)).kind, Kind::cooling);
        now += wait;
        EXPECT_EQ(quota.availability(1, at(now)).kind, Kind::ok);
    }
    quota.accepted();
    EXPECT_FALSE(quota.refused(1, Milliseconds(0), at(now)));
}

TEST(Quota, DoesNotCoolForARequestThatIsLargerThanTheAccount) {
    Quota quota;
    quota.report(of_tokens(1'000, 900, 6'000), {}, at(0));
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(quota.refused(1'001, Milliseconds(0), at(i)));
    EXPECT_EQ(quota.availability(10, at(20)).kind, Kind::ok);
}

TEST(Quota, PredictsARefusalFromWhatIsLeftAndRefills) {
    struct Row {
        const char* name;
        QuotaReport report;
        std::int64_t tokens;
        std::int64_t after_ms;
        std::int64_t wait_ms;  ///< 0: ok
    };
    const QuotaReport both{.requests = Allowance{60, 0, Milliseconds(60'000)},
                           .tokens = Allowance{60'000, 59'000, Milliseconds(1'000)}};
    const Row rows[] = {
        {"enough", of_tokens(60'000, 500, 59'500), 500, 0, 0},
        {"too little", of_tokens(60'000, 500, 59'500), 501, 0, 1},
        {"half a second too little", of_tokens(60'000, 500, 59'500), 1'000, 0, 500},
        {"refilled meanwhile", of_tokens(60'000, 500, 59'500), 1'000, 500, 0},
        {"requests count too", both, 10, 0, 1'000},
        {"requests refill too", both, 10, 1'000, 0},
        {"larger than all: when it is full", of_tokens(1'000, 500, 30'000), 5'000, 0, 30'000},
        {"larger than all, full", of_tokens(1'000, 500, 30'000), 5'000, 30'000, 0},
        {"nothing left, no reset", of_tokens(1'000, 0, 0), 1'000, 0, 1'000},
        {"nothing left, no reset, a second later", of_tokens(1'000, 0, 0), 1'000, 1'000, 0},
        {"no limit either", of_tokens(0, 0, 0), 1, 0, 1'000},
        {"full", of_tokens(1'000, 1'000, 0), 1'000, 0, 0},
        {"more than the limit is left", of_tokens(1'000, 2'000, 0), 2'000, 0, 0},
        {"negative", of_tokens(1'000, -5, 10'000), 1'000, 0, 10'000},
        {"reset beyond all bounds",
         of_tokens(10, 0, std::numeric_limits<std::int64_t>::max() / 2'000'000), 10, 0,
         Quota::wait_max.count()},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Quota quota;
        quota.report(row.report, {}, at(0));
        const Quota::Availability availability = quota.availability(row.tokens, at(row.after_ms));
        EXPECT_EQ(availability.kind, row.wait_ms == 0 ? Kind::ok : Kind::paced);
        EXPECT_EQ(availability.wait, Milliseconds(row.wait_ms));
    }
}

TEST(Quota, UndoesNothingThatItDidNotCount) {
    Quota quota;
    const Quota::SentTotal before = quota.sent(300, at(0));
    quota.report(of_tokens(1'000, 900, 6'000), {}, at(0));
    quota.unsent(before, 300, at(0));
    EXPECT_EQ(quota.availability(900, at(0)).kind, Kind::ok);
    EXPECT_EQ(quota.availability(901, at(0)).kind, Kind::paced);
}

TEST(Quota, CountsWhatWasSentSinceTheReport) {
    Quota quota;
    quota.report(of_tokens(1'000, 900, 6'000), {}, at(0));
    (void)quota.sent(400, at(0));
    EXPECT_EQ(quota.availability(500, at(0)).kind, Kind::ok);
    EXPECT_EQ(quota.availability(501, at(0)).kind, Kind::paced);
    const Quota::SentTotal sent = quota.sent(300, at(0));
    EXPECT_EQ(quota.availability(201, at(0)).kind, Kind::paced);
    quota.unsent(sent, 300, at(0));
    EXPECT_EQ(quota.availability(500, at(0)).kind, Kind::ok);
    EXPECT_EQ(quota.status(at(0)).tokens->remaining, 500);
}

TEST(Quota, DoesNotLetALateReportHideWhatWasSentAfterItsRequest) {
    Quota quota;
    quota.report(of_tokens(1'000, 1'000, 0), {}, at(0));
    const Quota::SentTotal first = quota.sent(100, at(0));
    const Quota::SentTotal second = quota.sent(700, at(0));
    // The provider counted the first alone.
    quota.report(of_tokens(1'000, 900, 6'000), first, at(10));
    EXPECT_EQ(quota.availability(210, at(10)).kind, Kind::paced);
    quota.report(of_tokens(1'000, 200, 48'000), second, at(20));
    EXPECT_EQ(quota.availability(200, at(20)).kind, Kind::ok);
    EXPECT_EQ(quota.availability(210, at(20)).kind, Kind::paced);
    // The first one's comes once more, late: it no longer says anything.
    quota.report(of_tokens(1'000, 900, 6'000), first, at(30));
    EXPECT_EQ(quota.availability(210, at(30)).kind, Kind::paced);
}

TEST(Quota, KnowsNothingOnceAMinuteAndTheResetHavePassed) {
    Quota quota;
    quota.report(of_tokens(1'000, 999, 1'000), {}, at(0));  // as if one took a second
    (void)quota.sent(1'000, at(0));
    EXPECT_EQ(quota.availability(500, at(59'999)).kind, Kind::paced);
    EXPECT_EQ(quota.availability(500, at(60'000)).kind, Kind::ok);
}

TEST(Quota, NeverPredictsARefusalOnceTheResetHasPassed) {
    const unsigned seed = 3;
    SCOPED_TRACE(seed);
    test::Random random(seed);
    for (int round = 0; round < 2'000; ++round) {
        Quota quota;
        std::int64_t now = 0;
        std::int64_t full = 0;
        for (int i = 0; i < 3; ++i) {
            now += random.below(5'000);
            const auto limit = random.below(std::int64_t{100'000});
            const std::int64_t remaining = limit == 0 ? 0 : random.below(limit);
            const std::int64_t reset = random.below(100'000);
            full = now + (reset == 0 ? 1'000 : reset);
            quota.report({.requests = Allowance{limit, remaining, Milliseconds(reset)},
                          .tokens = Allowance{limit, remaining, Milliseconds(reset)}},
                         {}, at(now));
        }
        for (const std::int64_t tokens : {1, 1'000, 1'000'000}) {
            ASSERT_EQ(quota.availability(tokens, at(full)).kind, Kind::ok) << "round " << round;
        }
    }
}

/// A provider as OpenAI describes its own: one bucket that refills continuously.
class Provider {
public:
    explicit Provider(double limit) : limit_(limit), level_(limit) {}
    bool take(double tokens, std::int64_t now) {
        level_ = std::min(limit_, level_ + static_cast<double>(now - then_) * limit_ / 60'000);
        then_ = now;
        if (level_ < tokens) return false;
        level_ -= tokens;
        return true;
    }
    [[nodiscard]] QuotaReport report() const {
        return of_tokens(static_cast<std::int64_t>(limit_), static_cast<std::int64_t>(level_),
                         static_cast<std::int64_t>((limit_ - level_) * 60'000 / limit_) + 1);
    }

private:
    double limit_;
    double level_;
    std::int64_t then_ = 0;
};

TEST(Quota, KeepsAProviderFromRefusingAndUsesWhatItGrants) {
    const unsigned seed = 11;
    SCOPED_TRACE(seed);
    test::Random random(seed);
    constexpr std::int64_t limit = 60'000;
    constexpr std::int64_t minutes = 10;
    Provider provider(limit);
    Quota quota;
    struct OnItsWay {
        std::int64_t until;
        QuotaReport report;
        Quota::SentTotal sent;
    };
    std::vector<OnItsWay> answers;
    std::int64_t refused = 0;
    std::int64_t granted = 0;
    for (std::int64_t now = 0; now < minutes * 60'000; now += 20) {
        for (auto answer = answers.begin(); answer != answers.end();) {
            if (answer->until > now) {
                ++answer;
                continue;
            }
            quota.report(answer->report, answer->sent, at(now));
            answer = answers.erase(answer);
        }
        // Three times what the account grants is asked for.
        const auto tokens = 1 + random.below(std::int64_t{119});
        if (quota.availability(tokens, at(now)).kind != Kind::ok) continue;
        const Quota::SentTotal sent = quota.sent(tokens, at(now));
        if (!provider.take(static_cast<double>(tokens), now)) {
            ++refused;
            quota.unsent(sent, tokens, at(now));
            continue;
        }
        granted += tokens;
        const auto delay = 50 + random.below(std::int64_t{3'000});
        answers.push_back({now + delay, provider.report(), sent});
    }
    const std::int64_t possible = limit + limit * minutes;
    EXPECT_EQ(refused, 0);
    EXPECT_GT(granted, possible * 95 / 100);
}

}  // namespace
}  // namespace sluicegate::route
