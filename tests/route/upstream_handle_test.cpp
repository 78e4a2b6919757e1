#include "sluicegate/route/upstream_handle.hpp"

#include "sluicegate/route/candidate_iterator.hpp"
#include "sluicegate/route/lease.hpp"
#include "sluicegate/route/queue_ticket.hpp"

#include "route/slots.hpp"
#include "route/support.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace sluicegate::route {
namespace {

using test::any;
using test::at;
using test::in_flight;
using test::none;
using test::open;
using test::take;

TEST(Lease, GivesItsSlotBackOnceAfterAnyMove) {
    const auto upstream = test::make_handle(test::make_upstream("u", 1, 2));
    {
        Lease first = take(*upstream);
        Lease second = std::move(first);
        EXPECT_FALSE(first);
        EXPECT_EQ(in_flight(*upstream), 1U);
        first = take(*upstream);
        EXPECT_EQ(in_flight(*upstream), 2U);
        second = std::move(first);
        EXPECT_EQ(in_flight(*upstream), 1U);
        second.end();
        second.end();
        EXPECT_EQ(in_flight(*upstream), 0U);
        EXPECT_FALSE(second.report(Outcome::failed, none, at(0)));
    }
    EXPECT_EQ(in_flight(*upstream), 0U);
}

TEST(Lease, ReportsOnce) {
    config::Upstream settings = test::make_upstream("u");
    settings.breaker.connect_failures = 2;
    const auto upstream = test::make_handle(settings);
    Lease lease = take(*upstream);
    EXPECT_FALSE(lease.report(Outcome::connect_failed, none, at(0)));
    EXPECT_FALSE(lease.report(Outcome::connect_failed, none, at(0)));
    EXPECT_EQ(upstream->endpoints()[0]->health(at(0)), Health::healthy);
    Lease next = take(*upstream);
    EXPECT_TRUE(next.report(Outcome::connect_failed, none, at(0)));
}

TEST(Lease, LetsTheNextProbeGoWhenAProbeIsNeverReported) {
    const auto upstream = test::make_handle(test::make_upstream("u"));
    EndpointState& endpoint = *upstream->endpoints()[0];
    open(*upstream, 0, 0);
    ASSERT_EQ(endpoint.begin_attempt(at(5'000)), AttemptKind::probe);
    ASSERT_TRUE(endpoint.slots.try_take());
    {
        const Lease lease(*upstream, 0, AttemptKind::probe, at(5'000));
        EXPECT_FALSE(endpoint.is_ready(at(5'000)));
    }
    EXPECT_TRUE(endpoint.is_ready(at(5'000)));
    EXPECT_EQ(in_flight(*upstream), 0U);
}

TEST(QueueTicket, GetsTheSlotOfALeaseThatEnds) {
    const auto upstream = test::make_handle(test::make_queueing("u", 1, 1));
    Lease lease = take(*upstream);
    int wakes = 0;
    QueueTicket ticket(*upstream, 1, any, [&] { ++wakes; }, at(0));
    ASSERT_TRUE(ticket);
    EXPECT_FALSE(ticket.is_granted());
    lease.end();
    EXPECT_EQ(wakes, 1);
    EXPECT_TRUE(ticket.is_granted());
    EXPECT_EQ(in_flight(*upstream), 1U) << "handed over, never free";
    Lease taken = ticket.take(at(1));
    EXPECT_TRUE(taken);
    EXPECT_FALSE(ticket);
    EXPECT_FALSE(ticket.take(at(1)));
    taken.end();
    EXPECT_EQ(in_flight(*upstream), 0U);
}

TEST(QueueTicket, IsGrantedAtOnceWhereThereIsASlot) {
    const auto upstream = test::make_handle(test::make_queueing("u", 2, 1));
    const Lease lease = take(*upstream, 0);
    QueueTicket ticket(*upstream, 1, any, [] {}, at(0));
    EXPECT_TRUE(ticket.is_granted());
    EXPECT_EQ(ticket.take(at(0)).endpoint(), 1U);
}

TEST(QueueTicket, HandsAGrantOnWhenItIsNotTaken) {
    const auto upstream = test::make_handle(test::make_queueing("u", 1, 1));
    Lease lease = take(*upstream);
    std::optional<QueueTicket> first(std::in_place, *upstream, 1, any, [] {}, at(0));
    QueueTicket second(*upstream, 2, any, [] {}, at(0));
    lease.end();
    EXPECT_TRUE(first->is_granted());
    EXPECT_FALSE(second.is_granted());
    first.reset();
    EXPECT_TRUE(second.is_granted());
    second.take(at(0)).end();
    EXPECT_EQ(in_flight(*upstream), 0U);
}

TEST(QueueTicket, IsNotWokenOnceItWasLeft) {
    const auto upstream = test::make_handle(test::make_queueing("u", 1, 1));
    Lease lease = take(*upstream);
    int wakes = 0;
    {
        QueueTicket ticket(*upstream, 1, any, [&] { ++wakes; }, at(0));
        EXPECT_FALSE(ticket.take(at(5'000)));
        const QueueTicket other(*upstream, 1, any, [&] { ++wakes; }, at(0));
    }
    lease.end();
    EXPECT_EQ(wakes, 0);
    EXPECT_EQ(in_flight(*upstream), 0U);
    EXPECT_EQ(upstream->queue().length(), 0U);
}

TEST(QueueTicket, IsNotGivenASlotOfAnEndpointThatIsUnhealthy) {
    const auto upstream = test::make_handle(test::make_queueing("u", 2, 1));
    Lease sick = take(*upstream, 0);
    Lease healthy = take(*upstream, 1);
    QueueTicket ticket(*upstream, 1, any, [] {}, at(0));
    open(*upstream, 0, 0);
    sick.end();
    EXPECT_FALSE(ticket.is_granted());
    healthy.end();
    EXPECT_TRUE(ticket.is_granted());
    EXPECT_EQ(ticket.take(at(0)).endpoint(), 1U);
}

TEST(QueueTicket, IsNotGivenTheSlotOfAnAttemptThatWasCutUntilTheEndpointAnswers) {
    for (const Outcome outcome : {Outcome::cut, Outcome::connect_failed}) {
        const auto upstream = test::make_handle(test::make_queueing("u", 1, 2));
        Lease cut = take(*upstream);
        Lease other = take(*upstream);
        int wakes = 0;
        QueueTicket first(*upstream, 1, any, [&] { ++wakes; }, at(0));
        QueueTicket second(*upstream, 2, any, [] {}, at(0));
        cut.report(outcome, none, at(0));
        cut.end();
        EXPECT_FALSE(first.is_granted());
        EXPECT_EQ(wakes, 1) << "it has to look again when the doubt ends";
        EXPECT_EQ(first.look_again_at(at(1)), at(500));
        EXPECT_FALSE(first.look(at(499)));
        other.answered(at(499));
        EXPECT_TRUE(first.is_granted());
        EXPECT_FALSE(second.is_granted());
    }
}

TEST(QueueTicket, OfOneRequestTriesWhetherTheEndpointWorksAgain) {
    const auto upstream = test::make_handle(test::make_queueing("u", 1, 2));
    Lease cut = take(*upstream);
    Lease other = take(*upstream);
    QueueTicket first(*upstream, 1, any, [] {}, at(0));
    QueueTicket second(*upstream, 2, any, [] {}, at(0));
    cut.report(Outcome::cut, none, at(0));
    cut.end();
    other.report(Outcome::cut, none, at(0));
    other.end();
    EXPECT_TRUE(first.look(at(500)));
    EXPECT_FALSE(second.look(at(500)));
    Lease tried = first.take(at(500));
    EXPECT_FALSE(second.look(at(999)));
    tried.report(Outcome::rejected, none, at(999));
    EXPECT_TRUE(second.look(at(999))) << "a refusal is an answer";
    second.take(at(999)).end();
}

TEST(QueueTicket, TakesTheProbeOnceThatIsDue) {
    const auto upstream = test::make_handle(test::make_queueing("u", 1, 4));
    std::vector<Lease> leases;
    for (int i = 0; i < 4; ++i) leases.push_back(take(*upstream));
    QueueTicket first(*upstream, 1, any, [] {}, at(0));
    QueueTicket second(*upstream, 2, any, [] {}, at(0));
    open(*upstream, 0, 0);
    leases.clear();
    EXPECT_FALSE(first.is_granted());
    // A newcomer finds that the probe is due: it goes to the request that waited longest.
    QueueTicket third(*upstream, 3, any, [] {}, at(5'000));
    EXPECT_TRUE(first.is_granted());
    EXPECT_FALSE(second.is_granted());
    Lease probe = first.take(at(5'000));
    EXPECT_EQ(probe.kind(), AttemptKind::probe);
    EXPECT_TRUE(probe.report(Outcome::success, none, at(5'001)));
    EXPECT_TRUE(second.is_granted()) << "it is healthy again";
    EXPECT_TRUE(third.is_granted());
}

TEST(QueueTicket, IsGrantedWhenACheckSucceedsAgain) {
    config::Upstream settings = test::make_queueing("u", 1, 1);
    settings.health = config::HealthCheck{.path = "/health", .model = "", .unhealthy_after = 1};
    const auto upstream = test::make_handle(settings);
    Lease lease = take(*upstream);
    QueueTicket ticket(*upstream, 1, any, [] {}, at(0));
    ASSERT_TRUE(upstream->report_check(0, false, "no", at(1)));
    lease.end();
    EXPECT_FALSE(ticket.is_granted());
    ASSERT_TRUE(upstream->report_check(0, true, "", at(2)));
    EXPECT_TRUE(ticket.is_granted());
}

TEST(QueueTicket, KnowsWhenTimeAloneMakesAnEndpointReady) {
    const auto upstream = test::make_handle(test::make_queueing("u", 2, 1));
    std::vector<Lease> leases;
    for (std::size_t i = 0; i < 2; ++i) leases.push_back(take(*upstream, i));
    int wakes = 0;
    QueueTicket ticket(*upstream, 1, any, [&] { ++wakes; }, at(0));
    EXPECT_EQ(ticket.look_again_at(at(0)), Instant::max()) << "a slot that ends tells";
    leases[0].report(Outcome::overloaded, Milliseconds(2'000), at(0));
    EXPECT_EQ(wakes, 1) << "the time at which it should look has changed";
    EXPECT_EQ(ticket.look_again_at(at(0)), at(2'000));
    leases.erase(leases.begin());
    EXPECT_FALSE(ticket.look(at(1'999)));
    EXPECT_TRUE(ticket.look(at(2'000)));
    EXPECT_EQ(wakes, 2);
    EXPECT_EQ(ticket.take(at(2'000)).endpoint(), 0U);
}

TEST(QueueTicket, LooksAgainWhenAnOpenBreakerIsDueForAProbe) {
    const auto upstream = test::make_handle(test::make_queueing("u", 1, 1));
    Lease lease = take(*upstream);
    open(*upstream, 0, 0);
    lease.end();
    QueueTicket first(*upstream, 1, any, [] {}, at(1'000));
    QueueTicket second(*upstream, 2, any, [] {}, at(1'000));
    EXPECT_FALSE(first.is_granted());
    EXPECT_EQ(first.look_again_at(at(1'000)), at(5'000));
    EXPECT_TRUE(first.look(at(5'000)));
    EXPECT_FALSE(second.look(at(5'000))) << "one probe at a time";
    EXPECT_EQ(second.look_again_at(at(5'000)), Instant::max()) << "the probe will tell";
    // A probe that met a 429 makes way for the next one when it ends.
    Lease probe = first.take(at(5'001));
    EXPECT_EQ(probe.kind(), AttemptKind::probe);
    probe.report(Outcome::rate_limited, none, at(5'002));
    probe.end();
    ASSERT_TRUE(second.is_granted());
    Lease next = second.take(at(5'003));
    EXPECT_EQ(next.kind(), AttemptKind::probe);
    QueueTicket third(*upstream, 3, any, [] {}, at(5'003));
    next.report(Outcome::failed, none, at(5'004));
    next.end();
    EXPECT_EQ(third.look_again_at(at(5'005)), at(15'004)) << "twice as long";
}

TEST(UpstreamHandle, HasOneEndpointForTheEmbeddedUpstream) {
    config::Upstream echo;
    echo.name = "echo";
    echo.kind = config::UpstreamKind::echo;
    const auto upstream = test::make_handle(echo);
    ASSERT_EQ(upstream->endpoints().size(), 1U);
    EXPECT_EQ(upstream->endpoints()[0]->label(), "echo");
    EXPECT_EQ(upstream->endpoints()[0]->slots.max(), std::nullopt);
}

/// Counts the requests at each endpoint, apart from the code under test.
class Presence {
public:
    explicit Presence(std::size_t endpoints, int bound) : present_(endpoints), bound_(bound) {}
    void enter(std::size_t endpoint) {
        if (present_[endpoint].fetch_add(1) >= bound_) ++too_many;
    }
    void leave(std::size_t endpoint) { present_[endpoint].fetch_sub(1); }
    std::atomic<int> too_many{0};

private:
    std::vector<std::atomic<int>> present_;
    int bound_;
};

TEST(UpstreamHandleThreads, NeverHaveMoreInFlightThanTheBound) {
    const auto upstream = test::make_handle(test::make_upstream("u", 3, 2));
    Presence presence(3, 2);
    std::atomic<int> taken{0};
    test::together(8, [&](int thread) {
        test::Random random(static_cast<unsigned>(thread));
        std::vector<Lease> held;
        for (int i = 0; i < 20'000; ++i) {
            const std::size_t endpoint = random.below(std::size_t{3});
            if (held.size() < 3 && upstream->endpoints()[endpoint]->slots.try_take()) {
                held.emplace_back(*upstream, endpoint, AttemptKind::ordinary, at(0));
                presence.enter(endpoint);
                ++taken;
            } else if (!held.empty()) {
                presence.leave(held.back().endpoint());
                held.pop_back();
            }
        }
        for (const Lease& lease : held) presence.leave(lease.endpoint());
    });
    EXPECT_EQ(presence.too_many, 0);
    EXPECT_GT(taken, 1'000);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(in_flight(*upstream, i), 0U);
}

/// Waits until `flag` is set, without a clock.
void await(const std::atomic<bool>& flag) {
    flag.wait(false);
}

TEST(UpstreamHandleThreads, LoseNoGrantAndDoubleNone) {
    // A request waits without a limit: a lost wake-up hangs the test.
    constexpr int threads = 8;
    constexpr int rounds = 4'000;
    const auto upstream = test::make_handle(test::make_queueing("u", 2, 1, 1'000));
    Presence presence(2, 1);
    std::atomic<int> served{0};
    std::atomic<int> wakes_without_a_slot{0};
    test::together(threads, [&](int thread) {
        test::Random random(static_cast<unsigned>(thread));
        for (int i = 0; i < rounds; ++i) {
            const auto flag = std::make_shared<std::atomic<bool>>(false);
            QueueTicket ticket(
                *upstream, static_cast<std::uint64_t>(thread % 3), any,
                [flag] {
                    flag->store(true);
                    flag->notify_one();
                },
                at(0));
            if (random.below(8) == 0) {
                // Gives up, perhaps just as it is served.
                if (random.below(2) == 0) std::this_thread::yield();
                Lease lease = ticket.take(at(0));
                if (!lease) continue;
                presence.enter(lease.endpoint());
                presence.leave(lease.endpoint());
                continue;
            }
            await(*flag);
            Lease lease = ticket.take(at(0));
            if (!lease) {
                ++wakes_without_a_slot;
                continue;
            }
            presence.enter(lease.endpoint());
            ++served;
            if (random.below(16) == 0) std::this_thread::yield();
            presence.leave(lease.endpoint());
        }
    });
    EXPECT_EQ(presence.too_many, 0);
    EXPECT_EQ(wakes_without_a_slot, 0);
    EXPECT_GT(served, threads * rounds / 2);
    EXPECT_EQ(upstream->queue().length(), 0U);
    EXPECT_EQ(in_flight(*upstream, 0) + in_flight(*upstream, 1), 0U);
}

TEST(UpstreamHandleThreads, ServeWaitersAndNewcomersWithinTheBound) {
    // Each request takes a free slot, or else waits for one.
    constexpr int rounds = 3'000;
    const ModelRoute route({test::make_entry(test::make_queueing("u", 2, 2, 1'000))}, false);
    const UpstreamHandle& upstream = *route.entries()[0].handle;
    Presence presence(2, 2);
    std::atomic<int> served{0};
    test::together(8, [&](int thread) {
        test::Random random(static_cast<unsigned>(thread));
        for (int i = 0; i < rounds; ++i) {
            CandidateIterator candidates(
                route, {.tokens = 1, .user = random.below(3U), .random = random.bits()}, 3);
            CandidateIterator::Step step = candidates.next(at(0));
            if (step.kind == CandidateIterator::Step::wait) {
                const auto flag = std::make_shared<std::atomic<bool>>(false);
                QueueTicket ticket = candidates.join_queue(
                    [flag] {
                        flag->store(true);
                        flag->notify_one();
                    },
                    at(0));
                await(*flag);
                step = candidates.after_wait(std::move(ticket), at(0));
            }
            ASSERT_EQ(step.kind, CandidateIterator::Step::send);
            presence.enter(step.lease.endpoint());
            ++served;
            if (random.below(8) == 0) std::this_thread::yield();
            presence.leave(step.lease.endpoint());
        }
    });
    EXPECT_EQ(presence.too_many, 0);
    EXPECT_EQ(served, 8 * rounds);
    EXPECT_EQ(upstream.queue().length(), 0U);
    EXPECT_EQ(in_flight(upstream, 0) + in_flight(upstream, 1), 0U);
}

}  // namespace
}  // namespace sluicegate::route
