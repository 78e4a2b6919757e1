#include "worker/adoption.hpp"

#include "client/owned_context.hpp"
#include "net/raw_listener.hpp"
#include "worker/disposal.hpp"
#include "worker/minimal_snapshot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::worker {
namespace {

using namespace std::chrono_literals;
using test::many_upstreams;
using test::minimal_snapshot;

class AdoptionTest : public testing::Test {
protected:
    /// The steps that it took.
    std::size_t adopt(std::shared_ptr<const Snapshot> snapshot) {
        Adoption adoption(std::move(snapshot), pools, owned.registry, &checks, disposal, in_force);
        std::size_t steps = 1;
        while (!adoption.step()) ++steps;
        return steps;
    }
    [[nodiscard]] const std::shared_ptr<upstream::Pool>& pool(std::size_t upstream,
                                                              std::size_t endpoint = 0) const {
        return in_force->endpoints[upstream][endpoint].pool;
    }

    test::OwnedContext owned;
    net::Resolver resolver{owned.io, owned.clock};
    Telemetry telemetry{owned.registry};
    Pools pools{{owned.io, owned.clock, owned.deadlines, resolver, owned.registry, owned.memory}};
    HealthChecks checks{owned.context, telemetry};
    std::shared_ptr<Disposal> disposal = std::make_shared<Disposal>(owned.io);
    std::shared_ptr<LocalSnapshot> in_force;
};

TEST_F(AdoptionTest, TakesStepsInProportionToTheEndpoints) {
    const std::size_t few = adopt(minimal_snapshot(many_upstreams(10, 64)));
    const std::size_t many = adopt(minimal_snapshot(many_upstreams(63, 64)));
    const std::size_t again = adopt(minimal_snapshot(many_upstreams(63, 64)));
    const std::size_t endpoints = std::size_t{63} * 64;
    // Each endpoint is made, watched and looked at by both ends of what went before.
    EXPECT_LE(many, 5 * endpoints / Adoption::step_size);
    EXPECT_LE(again, many + few);
    EXPECT_GE(many, endpoints / Adoption::step_size);
}

TEST_F(AdoptionTest, MakesABoundedNumberOfEndpointsInAStep) {
    LocalSnapshotBuilder builder(minimal_snapshot(many_upstreams(63, 64)), pools, owned.registry);
    std::size_t longest = 0;
    std::size_t before = 0;
    while (!builder.step(Adoption::step_size)) {
        longest = std::max(longest, pools.size() - before);
        before = pools.size();
    }
    EXPECT_LE(longest, Adoption::step_size);
    EXPECT_EQ(pools.size(), 63U * 64U);
}

TEST_F(AdoptionTest, LeavesTheOldSnapshotInForceUntilTheNewOneIsComplete) {
    adopt(minimal_snapshot(many_upstreams(1, 2)));
    const LocalSnapshot* old = in_force.get();
    Adoption adoption(minimal_snapshot(many_upstreams(10, 64)), pools, owned.registry, &checks,
                      disposal, in_force);
    std::size_t before = 0;
    while (in_force.get() == old) {
        ASSERT_FALSE(adoption.step());
        ++before;
    }
    EXPECT_GE(before, 10U);
    EXPECT_EQ(in_force->endpoints.size(), 10U);
    while (!adoption.step()) {
    }
}

TEST_F(AdoptionTest, KeepsThePoolWhenOnlyNumbersChange) {
    auto upstreams = many_upstreams(1, 2);
    adopt(minimal_snapshot(upstreams));
    const auto first = pool(0, 0);
    const auto second = pool(0, 1);

    config::Upstream& upstream = upstreams[0];
    upstream.in_flight_max = 7;
    upstream.timeouts.total = 1s;
    upstream.pool.idle_max = 5;
    upstream.limits.rpm = 10;
    upstream.api_key = Secret("another");
    upstream.health->every = 1s;
    std::ranges::reverse(upstream.endpoints);
    adopt(minimal_snapshot(upstreams));
    EXPECT_EQ(pools.size(), 2U);
    EXPECT_EQ(pool(0, 0), second) << "an endpoint may stand elsewhere in the list";
    EXPECT_EQ(pool(0, 1), first);
    EXPECT_EQ(first->settings().pool.idle_max, 5U) << "the new settings are in force";
    EXPECT_EQ(first->settings().timeouts.total, 1s);
}

TEST_F(AdoptionTest, MakesAPoolAnewWhenItsConnectionsWouldLeadElsewhere) {
    struct Row {
        const char* name;
        void (*change)(config::Upstream&);
    };
    const std::vector<Row> rows{
        {"host", [](config::Upstream& upstream) { upstream.endpoints[0].host = "other"; }},
        {"port", [](config::Upstream& upstream) { upstream.endpoints[0].port = 1; }},
        {"Unix socket",
         [](config::Upstream& upstream) { upstream.endpoints[0].unix_socket = "/socket"; }},
        {"proxy",
         [](config::Upstream& upstream) {
             upstream.proxy = config::Proxy{.host = "proxy", .port = 3128};
         }},
        {"name in the certificate",
         [](config::Upstream& upstream) { upstream.tls.server_name = "other"; }},
        {"name", [](config::Upstream& upstream) { upstream.name = "other"; }},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        auto upstreams = many_upstreams(1, 1);
        adopt(minimal_snapshot(upstreams));
        const auto before = pool(0);
        row.change(upstreams[0]);
        adopt(minimal_snapshot(upstreams));
        EXPECT_NE(pool(0), before);
    }
    EXPECT_EQ(pools.size(), 1U) << "those that nothing leads to are gone";
}

TEST_F(AdoptionTest, KeepsAPoolOfTlsConnectionsForTheSameContextOnly) {
    const auto make_context = [] {
        return std::make_shared<net::asio::ssl::context>(net::asio::ssl::context::tls_client);
    };
    auto upstreams = many_upstreams(1, 1);
    adopt(minimal_snapshot(upstreams));
    const auto plain = pool(0);
    upstreams[0].endpoints[0].tls = true;
    const net::TlsContext context = make_context();
    adopt(minimal_snapshot(upstreams, {context}));
    const auto encrypted = pool(0);
    EXPECT_NE(encrypted, plain);

    upstreams[0].in_flight_max = 7;
    adopt(minimal_snapshot(upstreams, {context}));
    EXPECT_EQ(pool(0), encrypted);
    adopt(minimal_snapshot(upstreams, {make_context()}));
    EXPECT_NE(pool(0), encrypted);
}

TEST_F(AdoptionTest, KeepsWarmConnectionsWhenANumberChangesAndClosesThemWithTheirHost) {
    test::RawListener server("127.0.0.1");
    auto upstreams = many_upstreams(1, 1);
    upstreams[0].health.reset();
    upstreams[0].endpoints[0].host = "127.0.0.1";
    upstreams[0].endpoints[0].port = server.port();
    upstreams[0].pool.prewarm = 1;
    adopt(minimal_snapshot(upstreams));
    pools.sweep(owned.clock.now());
    ASSERT_TRUE(test::run_until(owned.io, [&] { return pool(0)->idle_count() == 1; }));
    auto warm = server.accept();
    ASSERT_TRUE(warm);

    upstreams[0].in_flight_max = 7;
    adopt(minimal_snapshot(upstreams));
    owned.settle();
    EXPECT_EQ(pool(0)->idle_count(), 1U);
    EXPECT_FALSE(warm->has_ended());

    upstreams[0].endpoints[0].host = "127.0.0.2";
    adopt(minimal_snapshot(upstreams));
    owned.settle();
    EXPECT_EQ(pool(0)->idle_count(), 0U);
    EXPECT_TRUE(warm->has_ended());
}

TEST_F(AdoptionTest, FreesWhatAnOldSnapshotHeldInParts) {
    auto upstreams = many_upstreams(63, 64);
    // The task of a check holds its pool until it has ended.
    for (config::Upstream& upstream : upstreams) upstream.health.reset();
    adopt(minimal_snapshot(upstreams));
    auto last_user = in_force;
    const std::weak_ptr<upstream::Pool> first = pool(0, 0);
    const std::weak_ptr<upstream::Pool> last = pool(62, 63);
    adopt(minimal_snapshot(many_upstreams(1, 1)));
    EXPECT_FALSE(first.expired());

    last_user.reset();
    EXPECT_TRUE(last.expired()) << "the first part is freed at once";
    EXPECT_FALSE(disposal->step()) << "and not everything";
    owned.settle();
    EXPECT_TRUE(disposal->step());
}

TEST_F(AdoptionTest, LeavesNothingWithADisposalThatIsClosed) {
    adopt(minimal_snapshot(many_upstreams(63, 64)));
    const std::weak_ptr<upstream::Pool> last = pool(62, 63);
    disposal->close();
    adopt(minimal_snapshot(many_upstreams(1, 1)));
    owned.settle();
    EXPECT_TRUE(last.expired());
}

}  // namespace
}  // namespace sluicegate::worker
