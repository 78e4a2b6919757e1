#include "sluicegate/route/state_registry.hpp"

#include "sluicegate/route/lease.hpp"
#include "sluicegate/route/queue_ticket.hpp"

#include "route/slots.hpp"
#include "route/support.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
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

config::Upstream without_endpoint(config::Upstream upstream, std::size_t endpoint) {
    upstream.endpoints.erase(upstream.endpoints.begin() + static_cast<std::ptrdiff_t>(endpoint));
    return upstream;
}

TEST(StateRegistry, KeepsEndpointsWhoseAddressStays) {
    test::Reloads reloads;
    const auto before = reloads.load(test::make_upstream("u", 3, 5));
    EXPECT_EQ(before->endpoints()[1]->label(), "http://u-1:80");
    Lease lease = take(*before, 1);
    open(*before, 2, 0);
    const config::Upstream changed = without_endpoint(test::make_upstream("u", 4, 9), 0);
    const auto after = reloads.load(changed);
    ASSERT_EQ(after->endpoints().size(), 3U);
    EXPECT_EQ(after->endpoints()[0], before->endpoints()[1]);
    EXPECT_EQ(in_flight(*after, 0), 1U);
    EXPECT_EQ(after->endpoints()[0]->slots.max(), 9U);
    EXPECT_EQ(after->endpoints()[1]->health(at(1)), Health::open);
    EXPECT_EQ(after->endpoints()[2]->label(), "http://u-3:80");
    lease.end();
    EXPECT_EQ(in_flight(*after, 0), 0U);
}

TEST(StateRegistry, KeepsTheQueueOfAnUpstream) {
    test::Reloads reloads;
    const auto before = reloads.load(test::make_queueing("u", 1, 1));
    Lease lease = take(*before);
    QueueTicket old_ticket(*before, 1, any, [] {}, at(0));
    const auto after = reloads.load(test::make_queueing("u", 1, 1, 7));
    EXPECT_EQ(after->queue().waiting_max(), 7U);
    QueueTicket new_ticket(*after, 2, any, [] {}, at(0));
    EXPECT_EQ(after->queue().length(), 2U);
    lease.end();
    EXPECT_TRUE(old_ticket.is_granted());
    old_ticket.take(at(0)).end();
    EXPECT_TRUE(new_ticket.is_granted()) << "from a lease of the old one";
}

TEST(StateRegistry, HoldsALoweredBoundBeforeItServesTheQueue) {
    config::Upstream settings = test::make_queueing("u", 1, 3);
    test::Reloads reloads;
    const auto before = reloads.load(settings);
    std::vector<Lease> leases;
    for (int i = 0; i < 3; ++i) leases.push_back(take(*before));
    settings.in_flight_max = 1;
    const auto after = reloads.load(settings);
    QueueTicket ticket(*after, 1, any, [] {}, at(0));
    leases.pop_back();
    leases.pop_back();
    EXPECT_FALSE(ticket.is_granted());
    EXPECT_EQ(in_flight(*after), 1U);
    leases.pop_back();
    EXPECT_TRUE(ticket.is_granted());
}

TEST(StateRegistry, ServesARequestThatWaitsAfterAnEndpointWasRemoved) {
    test::Reloads reloads;
    const config::Upstream settings = test::make_queueing("u", 2, 1);
    const auto before = reloads.load(settings);
    Lease busy = take(*before, 0);
    const auto after = reloads.load(without_endpoint(settings, 1));
    int wakes = 0;
    QueueTicket ticket(*after, 1, any, [&] { ++wakes; }, at(0));
    EXPECT_FALSE(ticket.is_granted());
    busy.end();
    EXPECT_EQ(wakes, 1) << "the slot of an older snapshot goes to the waiter of a newer one";
    EXPECT_EQ(ticket.take(at(0)).endpoint(), 0U);
}

TEST(StateRegistry, GivesAWaiterThePositionOfTheEndpointInItsOwnSnapshot) {
    test::Reloads reloads;
    const config::Upstream settings = test::make_queueing("u", 2, 1);
    const auto before = reloads.load(settings);
    Lease first = take(*before, 0);
    Lease second = take(*before, 1);
    QueueTicket old_ticket(*before, 1, any, [] {}, at(0));
    const auto after = reloads.load(without_endpoint(settings, 0));
    QueueTicket new_ticket(*after, 2, any, [] {}, at(0));
    first.end();
    ASSERT_TRUE(old_ticket.is_granted());
    EXPECT_FALSE(new_ticket.is_granted()) << "its snapshot does not have that endpoint";
    EXPECT_EQ(old_ticket.take(at(0)).endpoint(), 0U);
    second.end();
    ASSERT_TRUE(new_ticket.is_granted());
    EXPECT_EQ(new_ticket.take(at(0)).endpoint(), 0U) << "the second endpoint stands first there";
    EXPECT_EQ(in_flight(*before, 1), 0U);
}

TEST(StateRegistry, ServesANewEndpointWhileOlderRequestsWait) {
    test::Reloads reloads;
    const config::Upstream settings = test::make_queueing("u", 2, 1);
    const auto before = reloads.load(without_endpoint(settings, 1));
    Lease busy = take(*before, 0);
    QueueTicket old_ticket(*before, 1, any, [] {}, at(0));
    const auto after = reloads.load(settings);
    QueueTicket new_ticket(*after, 2, any, [] {}, at(0));
    ASSERT_TRUE(new_ticket.is_granted());
    EXPECT_EQ(new_ticket.take(at(0)).endpoint(), 1U);
    EXPECT_FALSE(old_ticket.is_granted());
    busy.end();
    EXPECT_TRUE(old_ticket.is_granted());
}

TEST(StateRegistry, WakesRequestsThatWaitWhenABoundIsRaised) {
    test::Reloads reloads;
    const auto before = reloads.load(test::make_queueing("u", 1, 1));
    const Lease busy = take(*before);
    std::vector<std::string> woken;
    std::vector<QueueTicket> tickets;
    for (const char* name : {"a", "b", "c"}) {
        tickets.emplace_back(*before, 1, any, [&woken, name] { woken.emplace_back(name); }, at(0));
    }
    const auto after = reloads.load(test::make_queueing("u", 1, 3));
    EXPECT_EQ(woken, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(in_flight(*after), 3U);
    config::Upstream unlimited = test::make_queueing("u", 1, 1);
    unlimited.in_flight_max.reset();
    reloads.load(unlimited);
    EXPECT_EQ(woken.size(), 3U);
}

TEST(StateRegistry, WakesRequestsThatWaitWhenAFailingCheckIsNoLongerMade) {
    config::Upstream checked = test::make_queueing("u", 1, 1);
    checked.health = config::HealthCheck{.path = "/health", .model = "", .unhealthy_after = 1};
    test::Reloads reloads;
    const auto before = reloads.load(checked);
    Lease busy = take(*before);
    QueueTicket ticket(*before, 1, any, [] {}, at(0));
    ASSERT_TRUE(before->report_check(0, false, "no", at(0)));
    busy.end();
    ASSERT_FALSE(ticket.is_granted());
    checked.health.reset();
    reloads.load(checked);
    EXPECT_TRUE(ticket.is_granted());
}

TEST(StateRegistry, ServesTheWaitersOfAnUpstreamThatWasRemoved) {
    StateRegistry registry;
    config::Config config;
    config.upstreams = {test::make_queueing("u", 1, 1)};
    RoutePlan plan = registry.plan(config);
    registry.apply(config, plan, at(0));
    const std::shared_ptr<const UpstreamHandle> kept = plan.upstreams[0];
    Lease busy = take(*kept);
    QueueTicket ticket(*kept, 1, any, [] {}, at(0));
    config.upstreams.clear();
    plan = registry.plan(config);
    registry.apply(config, plan, at(1));
    busy.end();
    EXPECT_TRUE(ticket.is_granted());
    ticket.take(at(1)).end();
    EXPECT_EQ(in_flight(*kept), 0U);
}

TEST(StateRegistry, FindsWhatOlderSnapshotsStillUseWhenItComesBack) {
    test::Reloads reloads;
    const config::Upstream settings = test::make_upstream("u", 2, 1);
    const auto before = reloads.load(settings);
    const Lease busy = take(*before, 1);
    reloads.load(without_endpoint(settings, 1));
    const auto again = reloads.load(settings);
    EXPECT_EQ(again->endpoints()[1], before->endpoints()[1]);
    EXPECT_TRUE(again->endpoints()[1]->slots.is_full()) << "the bound holds over all snapshots";
}

TEST(StateRegistry, TakesAnAddressThatIsListedTwiceForOneEndpoint) {
    config::Upstream settings = test::make_upstream("u", 1, 1);
    settings.endpoints.push_back(settings.endpoints[0]);
    const auto upstream = test::make_handle(settings);
    EXPECT_EQ(upstream->endpoints()[0], upstream->endpoints()[1]);
}

TEST(StateRegistry, ChangesNothingUntilAPlanIsApplied) {
    test::Reloads reloads;
    config::Upstream settings = test::make_queueing("u", 1, 1);
    const auto before = reloads.load(settings);
    const Lease busy = take(*before);
    QueueTicket ticket(*before, 1, any, [] {}, at(0));
    const StateRegistry::Sizes sizes = reloads.registry.sizes();

    config::Config config;
    settings.in_flight_max = 5;
    settings.queue.waiting_max = 7;
    config.upstreams = {settings, test::make_upstream("other")};
    const RoutePlan plan = reloads.registry.plan(config);
    EXPECT_EQ(plan.upstreams[0]->endpoints()[0], before->endpoints()[0]);
    EXPECT_EQ(before->endpoints()[0]->slots.max(), 1U);
    EXPECT_EQ(before->queue().waiting_max(), 100U);
    EXPECT_FALSE(ticket.is_granted());
    EXPECT_EQ(reloads.registry.sizes().endpoints, sizes.endpoints);

    reloads.registry.apply(config, plan, at(0));
    EXPECT_EQ(before->endpoints()[0]->slots.max(), 5U);
    EXPECT_EQ(before->queue().waiting_max(), 7U);
    EXPECT_TRUE(ticket.is_granted());
    EXPECT_EQ(reloads.registry.sizes().endpoints, 2U);
}

TEST(StateRegistry, RemembersWhatWasLearnedWhileTheSettingsStay) {
    test::Reloads reloads;
    config::Upstream settings = test::make_upstream("u");
    reloads.load(settings)->memory().has_refused_stream_options = true;
    EXPECT_TRUE(reloads.load(settings)->memory().has_refused_stream_options);
    settings.in_flight_max = 3;
    EXPECT_FALSE(reloads.load(settings)->memory().has_refused_stream_options);
}

/// A model "gpt" of two upstreams, "a" and "b".
config::Config routed(std::initializer_list<std::uint32_t> weights) {
    config::Config config;
    config.upstreams = {test::make_upstream("a"), test::make_upstream("b")};
    config::Model model;
    model.name = "gpt";
    for (const std::uint32_t weight : weights) {
        model.route.push_back({.upstream = model.route.size(), .weight = weight, .model = ""});
    }
    config.models = {model};
    return config;
}

TEST(StateRegistry, MakesRoutesOfWhatModelsName) {
    config::Config config = routed({0});
    config.upstreams.push_back(test::make_upstream("c"));
    config.models[0].route = {{.upstream = 2, .weight = 0, .model = ""},
                              {.upstream = 1, .weight = 3, .model = "other"}};
    config.models[0].fallback = {{.upstream = 0, .weight = 1, .model = ""}};
    const RoutePlan plan = StateRegistry().plan(config);
    const ModelRoute& route = *plan.models[0];
    ASSERT_EQ(route.entries().size(), 3U);
    EXPECT_EQ(route.weighted(), 1U);
    EXPECT_EQ(route.entries()[0].upstream, 1U);
    EXPECT_EQ(route.entries()[0].handle, plan.upstreams[1]);
    EXPECT_EQ(route.entries()[0].upstream_model, "other");
    EXPECT_EQ(route.entries()[1].upstream, 2U);
    EXPECT_EQ(route.entries()[1].upstream_model, "gpt");
    EXPECT_FALSE(route.entries()[1].is_fallback);
    EXPECT_TRUE(route.entries()[2].is_fallback);
}

TEST(StateRegistry, KeepsTheTurnsOfAModelWhileTheWeightsStay) {
    StateRegistry registry;
    std::vector<int> counts(2);
    for (int i = 0; i < 10; ++i) {
        const config::Config config = routed({9, 1});
        const RoutePlan plan = registry.plan(config);
        registry.apply(config, plan, at(0));
        ++counts[plan.models[0]->pick(0)];
    }
    EXPECT_EQ(counts, (std::vector{9, 1}));
    const config::Config config = routed({1, 1});
    const RoutePlan plan = registry.plan(config);
    EXPECT_EQ(plan.models[0]->pick(0), 0U) << "other weights begin their own turns";
    EXPECT_EQ(plan.models[0]->pick(0), 1U);
}

TEST(StateRegistry, HasOneQuotaForOneAccountAndModel) {
    StateRegistry registry;
    config::Config config = routed({1, 1});
    config.models.push_back(config.models[0]);
    config.models[1].name = "small";
    config.models[1].route[0].model = "gpt";
    const RoutePlan plan = registry.plan(config);
    const auto quota = [](const RoutePlan& of, std::size_t model, std::size_t entry) {
        return of.models[model]->entries()[entry].quota;
    };
    EXPECT_EQ(quota(plan, 0, 0), quota(plan, 1, 0)) << "one upstream, one model of its own";
    EXPECT_NE(quota(plan, 0, 0), quota(plan, 0, 1)) << "other accounts";
    EXPECT_NE(quota(plan, 0, 1), quota(plan, 1, 1)) << "other models";
    registry.apply(config, plan, at(0));
    EXPECT_EQ(quota(registry.plan(config), 0, 0), quota(plan, 0, 0));

    config.upstreams[0].account = config.upstreams[1].account = "shared";
    const RoutePlan shared = registry.plan(config);
    EXPECT_EQ(quota(shared, 0, 0), quota(shared, 0, 1));
}

TEST(StateRegistry, DropsWhatNoSnapshotNeeds) {
    StateRegistry registry;
    for (int round = 0; round < 20; ++round) {
        config::Config config = routed({9, 1});
        for (config::Upstream& upstream : config.upstreams) upstream.name += std::to_string(round);
        config.models[0].name += std::to_string(round);
        const RoutePlan plan = registry.plan(config);
        registry.apply(config, plan, at(round));
    }
    // The plan before was still held when the last one was applied.
    EXPECT_LE(registry.sizes().upstreams, 4U);
    EXPECT_LE(registry.sizes().endpoints, 4U);
    EXPECT_LE(registry.sizes().quotas, 4U);
    EXPECT_LE(registry.sizes().turns, 2U);
}

TEST(StateRegistry, ConfiguresTheRetryBudget) {
    StateRegistry registry;
    config::Config config;
    config.retries.minimum = 0;
    config.retries.budget_percent = 0;
    const RoutePlan plan = registry.plan(config);
    registry.apply(config, plan, at(0));
    EXPECT_FALSE(plan.retry_budget->try_retry(at(0)));
    config.retries.minimum = 1;
    registry.apply(config, registry.plan(config), at(0));
    EXPECT_TRUE(plan.retry_budget->try_retry(at(0)));
}

TEST(StateRegistryThreads, LoseNoRequestThatWaitsOverReloads) {
    // A request waits without a limit: a lost wake-up hangs the test.
    constexpr int threads = 4;
    constexpr int rounds = 2'000;
    test::Reloads reloads;
    const config::Upstream both = test::make_queueing("u", 2, 1, 1'000);
    const config::Upstream one = without_endpoint(both, 1);
    config::Upstream wide = both;
    wide.in_flight_max = 3;
    std::mutex mutex;
    std::shared_ptr<const UpstreamHandle> in_force = reloads.load(both);
    const auto current = [&] {
        const std::scoped_lock lock(mutex);
        return in_force;
    };
    std::atomic<int> running{threads};
    std::jthread reloader([&] {
        for (int i = 0; running > 0; ++i) {
            auto next = reloads.load(i % 3 == 0 ? one : i % 3 == 1 ? wide : both);
            const std::scoped_lock lock(mutex);
            in_force.swap(next);
        }
    });
    test::together(threads, [&](int thread) {
        for (int i = 0; i < rounds; ++i) {
            const std::shared_ptr<const UpstreamHandle> upstream = current();
            const auto flag = std::make_shared<std::atomic<bool>>(false);
            QueueTicket ticket(
                *upstream, static_cast<std::uint64_t>(thread), any,
                [flag] {
                    flag->store(true);
                    flag->notify_one();
                },
                at(0));
            flag->wait(false);
            Lease lease = ticket.take(at(0));
            EXPECT_TRUE(lease);
        }
        --running;
    });
    reloader.join();
    const auto last = current();
    EXPECT_EQ(last->queue().length(), 0U);
    for (std::size_t i = 0; i < last->endpoints().size(); ++i) EXPECT_EQ(in_flight(*last, i), 0U);
}

}  // namespace
}  // namespace sluicegate::route
