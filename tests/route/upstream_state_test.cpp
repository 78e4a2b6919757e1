#include "sluicegate/route/upstream_state.hpp"

#include "sluicegate/route/candidate_iterator.hpp"

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

using test::at;

constexpr Milliseconds none{0};
constexpr std::uint64_t any = ~std::uint64_t{0};

/// A slot of an endpoint that must be free.
Lease take(UpstreamState& upstream, std::size_t endpoint = 0) {
    EXPECT_TRUE(upstream.endpoints()[endpoint]->slots.try_take());
    return {upstream, endpoint, AttemptKind::ordinary, at(0)};
}

std::uint32_t in_flight(const UpstreamState& upstream, std::size_t endpoint = 0) {
    return upstream.endpoints()[endpoint]->slots.in_flight();
}

void open(UpstreamState& upstream, std::size_t endpoint, std::int64_t ms) {
    for (int i = 0; i < 3; ++i) {
        upstream.endpoints()[endpoint]->report(Outcome::connect_failed, AttemptKind::ordinary, none,
                                               at(ms));
    }
    ASSERT_EQ(upstream.endpoints()[endpoint]->health(at(ms)), Health::open);
}

TEST(Lease, GivesItsSlotBackOnceWhereverItWasMoved) {
    const auto upstream = UpstreamState::make(test::make_upstream("u", 1, 2), nullptr);
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
    const auto upstream = UpstreamState::make(settings, nullptr);
    Lease lease = take(*upstream);
    EXPECT_FALSE(lease.report(Outcome::connect_failed, none, at(0)));
    EXPECT_FALSE(lease.report(Outcome::connect_failed, none, at(0)));
    EXPECT_EQ(upstream->endpoints()[0]->health(at(0)), Health::healthy);
    Lease next = take(*upstream);
    EXPECT_TRUE(next.report(Outcome::connect_failed, none, at(0)));
}

TEST(Lease, LetsTheNextProbeGoWhenAProbeIsNeverReported) {
    const auto upstream = UpstreamState::make(test::make_upstream("u"), nullptr);
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
    const auto upstream = UpstreamState::make(test::make_queueing("u", 1, 1), nullptr);
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
    const auto upstream = UpstreamState::make(test::make_queueing("u", 2, 1), nullptr);
    const Lease lease = take(*upstream, 0);
    QueueTicket ticket(*upstream, 1, any, [] {}, at(0));
    EXPECT_TRUE(ticket.is_granted());
    EXPECT_EQ(ticket.take(at(0)).endpoint(), 1U);
}

TEST(QueueTicket, HandsAGrantOnWhenNobodyTakesIt) {
    const auto upstream = UpstreamState::make(test::make_queueing("u", 1, 1), nullptr);
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
    const auto upstream = UpstreamState::make(test::make_queueing("u", 1, 1), nullptr);
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
    const auto upstream = UpstreamState::make(test::make_queueing("u", 2, 1), nullptr);
    Lease sick = take(*upstream, 0);
    Lease well = take(*upstream, 1);
    QueueTicket ticket(*upstream, 1, any, [] {}, at(0));
    open(*upstream, 0, 0);
    sick.end();
    EXPECT_FALSE(ticket.is_granted());
    well.end();
    EXPECT_TRUE(ticket.is_granted());
    EXPECT_EQ(ticket.take(at(0)).endpoint(), 1U);
}

TEST(QueueTicket, TakesTheProbeOnceThatIsDue) {
    const auto upstream = UpstreamState::make(test::make_queueing("u", 1, 4), nullptr);
    std::vector<Lease> leases;
    for (int i = 0; i < 4; ++i) leases.push_back(take(*upstream));
    QueueTicket first(*upstream, 1, any, [] {}, at(0));
    QueueTicket second(*upstream, 2, any, [] {}, at(0));
    open(*upstream, 0, 0);
    leases.clear();
    EXPECT_FALSE(first.is_granted());
    // The next who comes finds the probe due: it goes to the one who waited longest.
    QueueTicket third(*upstream, 3, any, [] {}, at(5'000));
    EXPECT_TRUE(first.is_granted());
    EXPECT_FALSE(second.is_granted());
    Lease probe = first.take(at(5'000));
    EXPECT_EQ(probe.kind(), AttemptKind::probe);
    EXPECT_TRUE(probe.report(Outcome::success, none, at(5'001)));
    EXPECT_TRUE(second.is_granted()) << "it is well again";
    EXPECT_TRUE(third.is_granted());
}

TEST(QueueTicket, IsGrantedWhenACheckSucceedsAgain) {
    config::Upstream settings = test::make_queueing("u", 1, 1);
    settings.health = config::HealthCheck{.path = "/health", .model = "", .unhealthy_after = 1};
    const auto upstream = UpstreamState::make(settings, nullptr);
    Lease lease = take(*upstream);
    QueueTicket ticket(*upstream, 1, any, [] {}, at(0));
    ASSERT_TRUE(upstream->report_check(0, false, "no", at(1)));
    lease.end();
    EXPECT_FALSE(ticket.is_granted());
    ASSERT_TRUE(upstream->report_check(0, true, "", at(2)));
    EXPECT_TRUE(ticket.is_granted());
}

TEST(UpstreamState, KeepsEndpointsWhoseAddressStays) {
    const auto before = UpstreamState::make(test::make_upstream("u", 3, 5), nullptr);
    EXPECT_EQ(before->endpoints()[1]->label(), "http://u-1:80");
    Lease lease = take(*before, 1);
    open(*before, 2, 0);
    config::Upstream changed = test::make_upstream("u", 4, 9);
    changed.endpoints.erase(changed.endpoints.begin());
    const auto after = UpstreamState::make(changed, before.get());
    ASSERT_EQ(after->endpoints().size(), 3U);
    EXPECT_EQ(after->endpoints()[0], before->endpoints()[1]);
    EXPECT_EQ(in_flight(*after, 0), 1U);
    EXPECT_EQ(after->endpoints()[0]->slots.max(), 9U);
    EXPECT_EQ(after->endpoints()[1]->health(at(1)), Health::open);
    EXPECT_EQ(after->endpoints()[2]->label(), "http://u-3:80");
    lease.end();
    EXPECT_EQ(in_flight(*after, 0), 0U);
}

TEST(UpstreamState, KeepsTheLineWhileTheEndpointsStay) {
    const auto before = UpstreamState::make(test::make_queueing("u", 1, 1), nullptr);
    Lease lease = take(*before);
    QueueTicket old_ticket(*before, 1, any, [] {}, at(0));
    const auto after = UpstreamState::make(test::make_queueing("u", 1, 1, 7), before.get());
    EXPECT_EQ(after->queue().waiting_max(), 7U);
    QueueTicket new_ticket(*after, 2, any, [] {}, at(0));
    EXPECT_EQ(after->queue().length(), 2U);
    lease.end();
    EXPECT_TRUE(old_ticket.is_granted());
    old_ticket.take(at(0)).end();
    EXPECT_TRUE(new_ticket.is_granted()) << "from a lease of the old one";
}

TEST(UpstreamState, HoldsALoweredBoundBeforeItServesTheLine) {
    config::Upstream settings = test::make_queueing("u", 1, 3);
    const auto before = UpstreamState::make(settings, nullptr);
    std::vector<Lease> leases;
    for (int i = 0; i < 3; ++i) leases.push_back(take(*before));
    settings.in_flight_max = 1;
    const auto after = UpstreamState::make(settings, before.get());
    QueueTicket ticket(*after, 1, any, [] {}, at(0));
    leases.pop_back();
    leases.pop_back();
    EXPECT_FALSE(ticket.is_granted());
    EXPECT_EQ(in_flight(*after), 1U);
    leases.pop_back();
    EXPECT_TRUE(ticket.is_granted());
}

TEST(UpstreamState, HasOneEndpointForTheEmbeddedUpstream) {
    config::Upstream echo;
    echo.name = "echo";
    echo.kind = config::UpstreamKind::echo;
    const auto upstream = UpstreamState::make(echo, nullptr);
    ASSERT_EQ(upstream->endpoints().size(), 1U);
    EXPECT_EQ(upstream->endpoints()[0]->label(), "echo");
    EXPECT_EQ(upstream->endpoints()[0]->slots.max(), std::nullopt);
}

/// Counts who is at each endpoint, apart from what is tested.
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

TEST(UpstreamStateThreads, NeverHaveMoreInFlightThanTheBound) {
    const auto upstream = UpstreamState::make(test::make_upstream("u", 3, 2), nullptr);
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

TEST(UpstreamStateThreads, LoseNoGrantAndDoubleNone) {
    // Whoever waits, waits without end: a lost wake-up hangs the test.
    constexpr int threads = 8;
    constexpr int rounds = 4'000;
    const auto upstream = UpstreamState::make(test::make_queueing("u", 2, 1, 1'000), nullptr);
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

TEST(UpstreamStateThreads, ServeWaitersAndNewcomersWithinTheBound) {
    // Some come by a candidates, which takes a free slot and waits for one otherwise.
    constexpr int rounds = 3'000;
    const ModelRoute route({test::make_entry(test::make_queueing("u", 2, 2, 1'000))}, false);
    UpstreamState& upstream = *route.entries()[0].state;
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
