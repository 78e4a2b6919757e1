#include "sluicegate/route/candidate_iterator.hpp"

#include "sluicegate/route/response_owners.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::route {
namespace {

using test::at;
using test::make_entry;
using test::make_queueing;
using test::make_upstream;
using test::none;
using Step = CandidateIterator::Step;

std::string name_of(const ModelRoute& route, const Step& step) {
    if (step.kind == Step::nothing) return "-";
    const EndpointState& endpoint = *route.entries()[step.entry].handle->endpoints().front();
    std::string name = endpoint.label().substr(7, endpoint.label().find('-') - 7);
    if (step.kind == Step::wait) return name + '?';
    return name + std::to_string(step.lease.endpoint());
}

/// All that is offered when each attempt fails, as "a0 a1 b0".
std::string all_steps(const ModelRoute& route, Instant now, bool is_connection_level = false,
                      unsigned attempts_max = 99) {
    CandidateIterator candidates(route, {.tokens = 10}, attempts_max);
    std::string offered;
    for (;;) {
        const Step step = candidates.next(now);
        if (step.kind != Step::send) return offered;
        if (!offered.empty()) offered += ' ';
        offered += name_of(route, step);
        candidates.failed(Outcome::failed, is_connection_level, none);
    }
}

EndpointState& endpoint_of(const ModelRoute& route, std::size_t entry, std::size_t endpoint = 0) {
    return *route.entries()[entry].handle->endpoints()[endpoint];
}

void open_breaker(EndpointState& endpoint) {
    for (int i = 0; i < 3; ++i) {
        endpoint.report(Outcome::connect_failed, AttemptKind::ordinary, none, at(0));
    }
}

QuotaReport nothing_left() {
    return {.requests = QuotaReport::Allowance{60, 0, Milliseconds(60'000)},
            .tokens = std::nullopt};
}

TEST(CandidateIterator, OffersTheEntryWhoseTurnItIsThenTheOthersThenTheFallback) {
    const ModelRoute route(
        {make_entry(make_upstream("x"), 1, true), make_entry(make_upstream("z"), 0),
         make_entry(make_upstream("a"), 1), make_entry(make_upstream("b"), 1),
         make_entry(make_upstream("c"), 1), make_entry(make_upstream("y"), 1, true)},
        false);
    std::multiset<std::string> seen;
    for (int i = 0; i < 99; ++i) seen.insert(all_steps(route, at(0)));
    EXPECT_EQ(seen.count("a0 b0 c0 z0 x0 y0"), 33U);
    EXPECT_EQ(seen.count("b0 c0 a0 z0 x0 y0"), 33U);
    EXPECT_EQ(seen.count("c0 a0 b0 z0 x0 y0"), 33U);
}

TEST(CandidateIterator, TriesTheEndpointsOfAnEntryBeforeTheNextEntry) {
    const ModelRoute route(
        {make_entry(make_upstream("a", 3)), make_entry(make_upstream("b"), 1, true)}, false);
    const std::string steps = all_steps(route, at(0));
    EXPECT_EQ(steps.substr(9), "b0");
    std::set<std::string> first{steps.substr(0, 2), steps.substr(3, 2), steps.substr(6, 2)};
    EXPECT_EQ(first, (std::set<std::string>{"a0", "a1", "a2"}));
}

TEST(CandidateIterator, OffersNoMoreThanItsAttempts) {
    const ModelRoute route({make_entry(make_upstream("a", 30))}, false);
    CandidateIterator candidates(route, {}, 5);
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(candidates.next(at(0)).kind, Step::send);
        candidates.failed(Outcome::failed, false, none);
    }
    EXPECT_EQ(candidates.next(at(0)).kind, Step::nothing);
}

TEST(CandidateIterator, OffersWhatIsPacedAfterWhatIsNotAndWhatIsUnhealthyLast) {
    const ModelRoute route(
        {make_entry(make_upstream("sick")), make_entry(make_upstream("paced"), 1, true),
         make_entry(make_upstream("well"), 1, true)},
        false);
    open_breaker(endpoint_of(route, 0));
    route.entries()[1].quota->report(nothing_left(), {}, at(0));
    EXPECT_EQ(all_steps(route, at(0)), "well0 paced0 sick0");
    EXPECT_EQ(all_steps(route, at(1'000)), "paced0 well0 sick0") << "one has been refilled";
}

TEST(CandidateIterator, NeverWithholdsTheLastThatIsLeft) {
    const ModelRoute route({make_entry(make_upstream("a", 2))}, false);
    open_breaker(endpoint_of(route, 0, 0));
    endpoint_of(route, 0, 1)
        .report(Outcome::overloaded, AttemptKind::ordinary, Milliseconds(9'000), at(0));
    CandidateIterator candidates(route, {}, 5);
    Step step = candidates.next(at(0));
    ASSERT_EQ(step.kind, Step::send);
    EXPECT_EQ(step.lease.kind(), AttemptKind::last_resort);
    candidates.failed(Outcome::failed, false, none);
    EXPECT_EQ(candidates.next(at(0)).kind, Step::send);
}

TEST(CandidateIterator, OffersNothingThatCools) {
    const ModelRoute route(
        {make_entry(make_upstream("a")), make_entry(make_upstream("b"), 1, true)}, false);
    route.entries()[0].quota->refused(1, Milliseconds(3'000), at(0));
    EXPECT_EQ(all_steps(route, at(0)), "b0");
    EXPECT_EQ(all_steps(route, at(3'000)), "a0 b0");
    route.entries()[1].quota->refused(1, Milliseconds(2'000), at(0));
    CandidateIterator candidates(route, {}, 5);
    EXPECT_EQ(candidates.next(at(500)).kind, Step::nothing);
    EXPECT_TRUE(candidates.shortage().is_cooling);
    EXPECT_EQ(candidates.shortage().wait, Milliseconds(1'500));
    EXPECT_FALSE(candidates.shortage().is_full);
}

TEST(CandidateIterator, SpillsAtOnceWhereAllIsFull) {
    const ModelRoute route(
        {make_entry(make_upstream("gpu", 2, 1)), make_entry(make_upstream("b"), 1, true)}, false);
    std::vector<Step> steps;
    std::multiset<std::string> offered;
    for (int i = 0; i < 4; ++i) {
        CandidateIterator candidates(route, {.random = 0x1234567}, 5);
        steps.push_back(candidates.next(at(0)));
        offered.insert(name_of(route, steps.back()));
    }
    EXPECT_EQ(offered, (std::multiset<std::string>{"gpu0", "gpu1", "b0", "b0"}));
    steps.clear();
    CandidateIterator candidates(route, {}, 5);
    EXPECT_EQ(candidates.next(at(0)).entry, 0U);
}

TEST(CandidateIterator, SaysThatEverythingIsFull) {
    const ModelRoute route({make_entry(make_upstream("gpu", 1, 1))}, false);
    CandidateIterator first(route, {}, 5);
    const Step held = first.next(at(0));
    CandidateIterator second(route, {}, 5);
    ASSERT_EQ(second.next(at(0)).kind, Step::wait);
    QueueTicket ticket = second.join_queue([] {}, at(0));
    EXPECT_EQ(second.after_wait(std::move(ticket), at(30'000)).kind, Step::nothing);
    EXPECT_TRUE(second.shortage().is_full);
    EXPECT_FALSE(second.shortage().is_cooling);
}

TEST(CandidateIterator, SpillsFirstAndThenWaitsForTheFirstEntry) {
    const ModelRoute route(
        {make_entry(make_upstream("a", 1, 1)), make_entry(make_upstream("b", 1, 1), 1, true),
         make_entry(make_upstream("c", 1, 1), 1, true)},
        false);
    CandidateIterator first(route, {}, 5);
    Step held = first.next(at(0));
    CandidateIterator second(route, {}, 5);
    const Step spilled = second.next(at(0));
    EXPECT_EQ(name_of(route, spilled), "b0");
    open_breaker(endpoint_of(route, 2));
    CandidateIterator third(route, {}, 5);
    EXPECT_EQ(name_of(route, third.next(at(0))), "a?") << "before one that is unhealthy";
    QueueTicket ticket = third.join_queue([] {}, at(0));
    held.lease.end();
    EXPECT_EQ(name_of(route, third.after_wait(std::move(ticket), at(10))), "a0");
}

TEST(CandidateIterator, WaitsInAllNoLongerThanOneQueueAllows) {
    for (const bool is_queueing : {false, true}) {
        SCOPED_TRACE(is_queueing ? "queue" : "spill");
        config::Upstream a = make_upstream("a", 1, 1);
        config::Upstream b = make_upstream("b", 1, 1);
        config::Upstream c = make_upstream("c", 1, 1);
        for (config::Upstream* const upstream : {&a, &b, &c}) {
            if (is_queueing) upstream->on_full = config::OnFull::queue;
            upstream->queue.timeout = Milliseconds(10'000);
        }
        c.queue.timeout = Milliseconds(12'000);
        const ModelRoute route({make_entry(a), make_entry(b, 1, true), make_entry(c, 1, true)},
                               false);
        std::vector<Lease> held;
        for (std::size_t i = 0; i < 3; ++i) {
            ASSERT_TRUE(endpoint_of(route, i).slots.try_take());
            held.emplace_back(*route.entries()[i].handle, 0, AttemptKind::ordinary, at(0));
        }
        CandidateIterator waiting(route, {}, 5);
        EXPECT_EQ(name_of(route, waiting.next(at(0))), "a?");
        QueueTicket ticket = waiting.join_queue([] {}, at(0));
        EXPECT_EQ(waiting.give_up_at(), at(10'000));
        EXPECT_EQ(name_of(route, waiting.after_wait(std::move(ticket), at(10'000))), "c?")
            << "its queue may be waited in for longer";
        ticket = waiting.join_queue([] {}, at(10'000));
        EXPECT_EQ(waiting.give_up_at(), at(12'000));
        EXPECT_EQ(waiting.after_wait(std::move(ticket), at(12'000)).kind, Step::nothing);
        EXPECT_TRUE(waiting.shortage().is_full);
    }
}

TEST(CandidateIterator, WaitsThoughAnotherEntryCools) {
    const ModelRoute route(
        {make_entry(make_upstream("a", 1, 1)), make_entry(make_upstream("b"), 1, true)}, false);
    CandidateIterator first(route, {}, 5);
    const Step held = first.next(at(0));
    route.entries()[1].quota->refused(1, Milliseconds(9'000), at(0));
    CandidateIterator second(route, {}, 5);
    EXPECT_EQ(name_of(route, second.next(at(1))), "a?");
}

TEST(CandidateIterator, GoesBackToTheQueueWhenTheServerThatItGotIsGone) {
    config::Upstream upstream = make_queueing("gpu", 2, 1);
    upstream.queue.timeout = Milliseconds(10'000);
    const ModelRoute route({make_entry(upstream)}, false);
    CandidateIterator one(route, {.user = 1}, 5);
    Step held = one.next(at(0));
    CandidateIterator two(route, {.user = 2}, 5);
    Step other = two.next(at(0));
    CandidateIterator waiting(route, {.user = 3}, 5);
    ASSERT_EQ(waiting.next(at(0)).kind, Step::wait);
    QueueTicket ticket = waiting.join_queue([] {}, at(0));
    CandidateIterator later(route, {.user = 3}, 5);
    ASSERT_EQ(later.next(at(1)).kind, Step::wait);
    QueueTicket behind = later.join_queue([] {}, at(1));
    held.lease.end();
    Step step = waiting.after_wait(std::move(ticket), at(100));
    ASSERT_EQ(step.kind, Step::send);
    step.lease.report(Outcome::connect_failed, none, at(101));
    step.lease.end();
    waiting.failed(Outcome::connect_failed, true, none);
    step = waiting.next(at(101));
    ASSERT_EQ(step.kind, Step::wait);
    ticket = waiting.join_queue([] {}, at(101));
    EXPECT_EQ(waiting.give_up_at(), at(10'000)) << "what is left of its time";
    other.lease.report(Outcome::success, none, at(200));
    other.lease.end();
    EXPECT_FALSE(behind.is_granted());
    step = waiting.after_wait(std::move(ticket), at(200));
    ASSERT_EQ(step.kind, Step::send) << "before the one that came later";
}

TEST(CandidateIterator, OffersOnlyTheEndpointThatItIsPinnedTo) {
    const config::Upstream upstream = make_upstream("a", 5);
    const ModelRoute route({make_entry(make_upstream("b")), make_entry(upstream),
                            make_entry(make_upstream("c"), 1, true)},
                           false);
    const std::uint64_t name = ResponseOwners::name_key("a");
    for (std::size_t i = 0; i < 5; ++i) {
        const std::uint64_t pin = UpstreamHandle::pin_of(name, endpoint_of(route, 1, i).id());
        EXPECT_TRUE(route.reaches(pin));
        CandidateIterator candidates(route, {.pin = pin}, 5);
        Step step = candidates.next(at(0));
        EXPECT_EQ(name_of(route, step), "a" + std::to_string(i));
        candidates.failed(Outcome::failed, false, none);
        step = candidates.next(at(0));
        EXPECT_EQ(step.kind, Step::nothing);
    }
    const std::uint64_t elsewhere =
        UpstreamHandle::pin_of(ResponseOwners::name_key("b"), endpoint_of(route, 1, 0).id());
    EXPECT_FALSE(route.reaches(elsewhere)) << "the same server under another upstream";
}

TEST(CandidateIterator, WaitsForTheFullEndpointThatItIsPinnedTo) {
    const ModelRoute route({make_entry(make_upstream("a", 2, 1))}, false);
    const std::uint64_t pin =
        UpstreamHandle::pin_of(ResponseOwners::name_key("a"), endpoint_of(route, 0, 1).id());
    CandidateIterator first(route, {.pin = pin}, 5);
    Step held = first.next(at(0));
    CandidateIterator second(route, {.pin = pin}, 5);
    ASSERT_EQ(second.next(at(0)).kind, Step::wait);
    QueueTicket ticket = second.join_queue([] {}, at(0));
    EXPECT_FALSE(ticket.is_granted());
    held.lease.end();
    EXPECT_EQ(name_of(route, second.after_wait(std::move(ticket), at(1))), "a1");
}

TEST(CandidateIterator, WaitsWhereItIsToldToAndTakesWhatIsGranted) {
    const ModelRoute route(
        {make_entry(make_queueing("gpu", 1, 1)), make_entry(make_upstream("b"), 1, true)}, false);
    CandidateIterator first(route, {.user = 1}, 5);
    Step held = first.next(at(0));
    CandidateIterator second(route, {.user = 2}, 5);
    Step step = second.next(at(0));
    EXPECT_EQ(name_of(route, step), "gpu?");
    QueueTicket ticket = second.join_queue([] {}, at(0));
    // A request that comes meanwhile waits behind it, even after the slot was granted.
    CandidateIterator third(route, {.user = 3}, 5);
    EXPECT_EQ(name_of(route, third.next(at(0))), "gpu?");
    held.lease.end();
    step = second.after_wait(std::move(ticket), at(10));
    EXPECT_EQ(name_of(route, step), "gpu0");
}

TEST(CandidateIterator, GoesOnWhenItWaitedInVain) {
    const ModelRoute route(
        {make_entry(make_queueing("gpu", 1, 1)), make_entry(make_upstream("b"), 1, true)}, false);
    CandidateIterator first(route, {}, 5);
    const Step held = first.next(at(0));
    CandidateIterator second(route, {}, 5);
    ASSERT_EQ(second.next(at(0)).kind, Step::wait);
    QueueTicket ticket = second.join_queue([] {}, at(0));
    const Step step = second.after_wait(std::move(ticket), at(5'000));
    EXPECT_EQ(name_of(route, step), "b0");
    second.failed(Outcome::failed, false, none);
    EXPECT_EQ(second.next(at(5'000)).kind, Step::nothing) << "it does not wait twice";
    EXPECT_TRUE(second.shortage().is_full);
}

TEST(CandidateIterator, GoesOnAtOnceWhereTheLineIsFull) {
    const ModelRoute route(
        {make_entry(make_queueing("gpu", 1, 1, 1)), make_entry(make_upstream("b"), 1, true)},
        false);
    CandidateIterator first(route, {}, 5);
    const Step held = first.next(at(0));
    CandidateIterator second(route, {}, 5);
    ASSERT_EQ(second.next(at(0)).kind, Step::wait);
    const QueueTicket ticket = second.join_queue([] {}, at(0));
    CandidateIterator third(route, {}, 5);
    ASSERT_EQ(third.next(at(0)).kind, Step::wait);
    QueueTicket refused = third.join_queue([] {}, at(0));
    EXPECT_FALSE(refused);
    EXPECT_EQ(name_of(route, third.after_wait(std::move(refused), at(0))), "b0");
}

TEST(CandidateIterator, DoesNotSendWhatWasGrantedWhileTheAccountCools) {
    const ModelRoute route(
        {make_entry(make_queueing("gpu", 1, 1)), make_entry(make_upstream("b"), 1, true)}, false);
    CandidateIterator first(route, {}, 5);
    Step held = first.next(at(0));
    CandidateIterator second(route, {}, 5);
    ASSERT_EQ(second.next(at(0)).kind, Step::wait);
    QueueTicket ticket = second.join_queue([] {}, at(0));
    route.entries()[0].quota->refused(1, Milliseconds(9'000), at(1));
    held.lease.end();
    EXPECT_EQ(name_of(route, second.after_wait(std::move(ticket), at(2))), "b0");
    EXPECT_EQ(endpoint_of(route, 0).slots.in_flight(), 0U);
}

TEST(CandidateIterator, CountsARefusalByACeilingAsCoolingAndNotAsAnAttempt) {
    const ModelRoute route(
        {make_entry(make_upstream("a", 2)), make_entry(make_upstream("b"), 1, true)}, false);
    CandidateIterator candidates(route, {}, 1);
    Step step = candidates.next(at(0));
    ASSERT_EQ(step.kind, Step::send);
    candidates.refused_by_ceiling(Milliseconds(700));
    step = candidates.next(at(0));
    EXPECT_EQ(name_of(route, step), "b0");
    candidates.failed(Outcome::failed, false, none);
    EXPECT_EQ(candidates.next(at(0)).kind, Step::nothing);
    EXPECT_TRUE(candidates.shortage().is_cooling);
    EXPECT_EQ(candidates.shortage().wait, Milliseconds(700));
}

TEST(CandidateIterator, LeavesAWholeAccountAfterIts429) {
    RouteEntry a = make_entry(make_upstream("a", 2));
    RouteEntry b = make_entry(make_upstream("b"), 1, true);
    RouteEntry c = make_entry(make_upstream("c"), 1, true);
    b.quota = a.quota;
    const ModelRoute route({a, b, c}, false);
    CandidateIterator candidates(route, {}, 5);
    ASSERT_EQ(candidates.next(at(0)).entry, 0U);
    candidates.failed(Outcome::rate_limited, false, Milliseconds(9'000));
    EXPECT_EQ(name_of(route, candidates.next(at(0))), "c0");
    candidates.failed(Outcome::rate_limited, false, Milliseconds(4'000));
    EXPECT_EQ(candidates.next(at(0)).kind, Step::nothing);
    EXPECT_TRUE(candidates.shortage().is_cooling);
    EXPECT_EQ(candidates.shortage().wait, Milliseconds(4'000));
}

TEST(CandidateIterator, TriesTheOtherEndpointsAfterA429ThatTellsNoWait) {
    const ModelRoute route({make_entry(make_upstream("a", 2))}, false);
    CandidateIterator candidates(route, {}, 5);
    const std::string first = name_of(route, candidates.next(at(0)));
    candidates.failed(Outcome::rate_limited, false, Milliseconds(0));
    EXPECT_EQ(name_of(route, candidates.next(at(0))), first == "a0" ? "a1" : "a0");
    candidates.failed(Outcome::rate_limited, false, Milliseconds(0));
    EXPECT_EQ(candidates.next(at(0)).kind, Step::nothing);
}

TEST(CandidateIterator, TriesAnEndpointForAnotherModelUnlessItCannotBeReached) {
    const config::Upstream settings = make_upstream("a");
    RouteEntry small = make_entry(settings);
    RouteEntry large = small;
    large.upstream_model = "large";
    large.is_fallback = true;
    RouteEntry same = small;
    same.is_fallback = true;
    const ModelRoute route({small, same, large}, false);
    EXPECT_EQ(all_steps(route, at(0), false), "a0 a0");
    EXPECT_EQ(all_steps(route, at(0), true), "a0");
}

TEST(CandidateIterator, SendsOneProbeToAnEndpointThatIsDueForIt) {
    const ModelRoute route(
        {make_entry(make_upstream("a")), make_entry(make_upstream("b"), 1, true)}, false);
    open_breaker(endpoint_of(route, 0));
    CandidateIterator first(route, {}, 5);
    Step probe = first.next(at(5'000));
    EXPECT_EQ(name_of(route, probe), "a0");
    EXPECT_EQ(probe.lease.kind(), AttemptKind::probe);
    CandidateIterator second(route, {}, 5);
    EXPECT_EQ(name_of(route, second.next(at(5'000))), "b0");
    EXPECT_TRUE(probe.lease.report(Outcome::success, none, at(5'001)));
    CandidateIterator third(route, {}, 5);
    EXPECT_EQ(name_of(route, third.next(at(5'002))), "a0");
}

TEST(CandidateIterator, PrefersTheSameEndpointForTheSamePrefix) {
    config::Upstream upstream = make_upstream("a", 8);
    upstream.prefix_affinity = 1'024;
    const ModelRoute route({make_entry(upstream)}, false);
    test::Random random(1);
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t affinity = random.long_bits();
        std::set<std::size_t> seen;
        for (int n = 0; n < 5; ++n) {
            CandidateIterator candidates(route, {.affinity = affinity, .random = random.bits()}, 5);
            seen.insert(candidates.next(at(0)).lease.endpoint());
        }
        EXPECT_EQ(seen.size(), 1U);
    }
}

TEST(CandidateIterator, HoldsTheSharesWhileOneSideIsTenTimesSlower) {
    const ModelRoute route(
        {make_entry(make_upstream("fast"), 90), make_entry(make_upstream("slow", 4), 10)}, false);
    std::vector<Step> slow;
    int fast = 0;
    for (int i = 0; i < 1'000; ++i) {
        CandidateIterator candidates(route, {}, 5);
        Step step = candidates.next(at(i));
        if (step.entry == 0) {
            ++fast;
        } else {
            slow.push_back(std::move(step));
        }
    }
    EXPECT_EQ(fast, 900);
    EXPECT_EQ(slow.size(), 100U);
}

/// Random routes in random states: what is offered obeys the rules, however attempts end.
TEST(CandidateIterator, OffersEachCandidateOnceAndByClass) {
    const unsigned seed = 20261122;
    SCOPED_TRACE(seed);
    test::Random random(seed);
    for (int round = 0; round < 2'000; ++round) {
        SCOPED_TRACE(round);
        std::vector<RouteEntry> entries;
        const int count = 1 + random.below(5);
        for (int i = 0; i < count; ++i) {
            const std::size_t endpoints = 1 + random.below(std::size_t{5});
            entries.push_back(make_entry(make_upstream("u" + std::to_string(i), endpoints, 1),
                                         i == 0 ? 1 : random.below(3U),
                                         i != 0 && random.below(3) == 0));
        }
        const ModelRoute route(entries, false);
        std::size_t possible = 0;
        for (const RouteEntry& entry : route.entries()) {
            const bool cools = random.below(5) == 0;
            if (cools) entry.quota->refused(1, Milliseconds(5'000), at(0));
            if (random.below(4) == 0) entry.quota->report(nothing_left(), {}, at(0));
            for (const auto& endpoint : entry.handle->endpoints()) {
                const bool is_full = random.below(4) == 0 && endpoint->slots.try_take();
                if (random.below(4) == 0) open_breaker(*endpoint);
                possible += cools || is_full ? 0 : 1;
            }
        }
        CandidateIterator candidates(route, {.tokens = 1, .random = random.bits()}, 1'000);
        std::set<std::pair<std::size_t, std::size_t>> seen;
        int last_class = 0;
        for (;;) {
            Step step = candidates.next(at(10));
            while (step.kind == Step::wait) {
                QueueTicket ticket = candidates.join_queue([] {}, at(10));
                step = candidates.after_wait(std::move(ticket), at(10));
            }
            if (step.kind == Step::nothing) break;
            ASSERT_EQ(step.kind, Step::send);
            ASSERT_TRUE(seen.emplace(step.entry, step.lease.endpoint()).second) << "twice";
            const RouteEntry& entry = route.entries()[step.entry];
            const auto availability = entry.quota->availability(1, at(10)).kind;
            ASSERT_NE(availability, Quota::Availability::cooling);
            const bool is_unhealthy =
                !endpoint_of(route, step.entry, step.lease.endpoint()).is_ready(at(10));
            const int own_class = is_unhealthy                                 ? 2
                                  : availability == Quota::Availability::paced ? 1
                                                                               : 0;
            ASSERT_GE(own_class, last_class);
            last_class = own_class;
            candidates.failed(Outcome::failed, random.below(2) == 0, none);
        }
        ASSERT_EQ(seen.size(), possible);
    }
}

}  // namespace
}  // namespace sluicegate::route
