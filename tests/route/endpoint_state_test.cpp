#include "sluicegate/route/endpoint_state.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace sluicegate::route {
namespace {

using test::at;
using test::none;

config::Upstream make_checked(unsigned unhealthy_after, unsigned healthy_after) {
    config::Upstream upstream = test::make_upstream("gpu");
    upstream.health = config::HealthCheck{.path = "/health",
                                          .model = "",
                                          .unhealthy_after = unhealthy_after,
                                          .healthy_after = healthy_after};
    return upstream;
}

TEST(EndpointState, ChangesWithChecksThatAgreeInARow) {
    EndpointState endpoint("u", make_checked(3, 2));
    const auto check = [&](bool is_ok, std::int64_t ms) {
        const auto change = endpoint.report_check(is_ok, "answered 500", at(ms));
        return change ? std::optional(change->to) : std::nullopt;
    };
    EXPECT_EQ(check(false, 0), std::nullopt);
    EXPECT_EQ(check(false, 1), std::nullopt);
    EXPECT_EQ(check(true, 2), std::nullopt) << "the count begins anew";
    EXPECT_EQ(check(false, 3), std::nullopt);
    EXPECT_EQ(check(false, 4), std::nullopt);
    EXPECT_TRUE(endpoint.is_ready(at(4)));
    EXPECT_EQ(check(false, 5), Health::checking_failed);
    EXPECT_FALSE(endpoint.is_ready(at(5)));
    EXPECT_EQ(check(false, 6), std::nullopt) << "told once";
    const EndpointStatus status = endpoint.status(at(7));
    EXPECT_EQ(status.health, Health::checking_failed);
    EXPECT_EQ(status.reason, "answered 500");
    EXPECT_EQ(status.since, at(5));
    EXPECT_EQ(check(true, 8), std::nullopt);
    EXPECT_EQ(check(true, 9), Health::healthy);
    EXPECT_TRUE(endpoint.is_ready(at(9)));
    EXPECT_EQ(endpoint.status(at(9)).reason, "the health check succeeds");
}

TEST(EndpointState, IsToldToBeHealthyOnlyWhenItIs) {
    EndpointState endpoint("u", make_checked(1, 1));
    const auto fail = [&](std::int64_t ms) {
        return endpoint.report(Outcome::connect_failed, AttemptKind::ordinary, none, at(ms));
    };
    fail(0);
    fail(0);
    ASSERT_TRUE(fail(0));
    ASSERT_TRUE(endpoint.report_check(false, "no answer", at(1)));
    const auto checked = endpoint.report_check(true, "", at(2));
    ASSERT_TRUE(checked);
    EXPECT_EQ(checked->to, Health::open) << "the breaker is open still";
    EXPECT_EQ(checked->reason, "connect failed 3 times in a row; next try in 5s");
    ASSERT_TRUE(endpoint.report_check(false, "no answer", at(3)));
    EXPECT_FALSE(endpoint.report(Outcome::success, AttemptKind::last_resort, none, at(4)))
        << "the check says no";
    const auto healthy = endpoint.report_check(true, "", at(5));
    ASSERT_TRUE(healthy);
    EXPECT_EQ(healthy->to, Health::healthy);
    EXPECT_EQ(healthy->reason, "the health check succeeds");
}

TEST(EndpointState, ForgetsAFailingCheckThatIsNoLongerConfigured) {
    EndpointState endpoint("u", make_checked(1, 1));
    ASSERT_TRUE(endpoint.report_check(false, "no", at(0)));
    config::Upstream same = make_checked(2, 2);
    endpoint.configure(same);
    EXPECT_EQ(endpoint.health(at(1)), Health::checking_failed);
    endpoint.configure(test::make_upstream("gpu"));
    EXPECT_EQ(endpoint.health(at(1)), Health::healthy);
    EXPECT_FALSE(endpoint.report_check(false, "late", at(2)));
    EXPECT_TRUE(endpoint.is_ready(at(2)));
}

TEST(EndpointState, PausesForAsLongAsItAskedFor) {
    EndpointState endpoint("u", test::make_upstream("gpu"));
    EXPECT_FALSE(endpoint.report(Outcome::overloaded, AttemptKind::ordinary, none, at(0)));
    EXPECT_TRUE(endpoint.is_ready(at(0))) << "a stray 503";
    const auto change =
        endpoint.report(Outcome::overloaded, AttemptKind::ordinary, Milliseconds(2'000), at(0));
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, Health::paused);
    EXPECT_EQ(change->reason, "it asked for a pause of 2s");
    EXPECT_FALSE(
        endpoint.report(Outcome::overloaded, AttemptKind::ordinary, Milliseconds(500), at(1)));
    EXPECT_EQ(endpoint.health(at(1'999)), Health::paused);
    EXPECT_FALSE(endpoint.is_ready(at(1'999)));
    EXPECT_EQ(endpoint.health(at(2'000)), Health::healthy);
    EXPECT_TRUE(endpoint.is_ready(at(2'000)));
}

TEST(EndpointState, PausesForABoundedTime) {
    EndpointState endpoint("u", test::make_upstream("gpu"));
    endpoint.report(Outcome::overloaded, AttemptKind::ordinary, std::chrono::hours(100'000), at(0));
    EXPECT_FALSE(endpoint.is_ready(at(EndpointState::pause_max.count() - 1)));
    EXPECT_TRUE(endpoint.is_ready(at(EndpointState::pause_max.count())));
}

TEST(EndpointState, TellsTheBreakersChangesAndShowsThem) {
    EndpointState endpoint("u", test::make_upstream("gpu", 1, 7));
    EXPECT_EQ(endpoint.status(at(0)).reason, "");
    EXPECT_EQ(endpoint.status(at(0)).since, std::nullopt);
    std::optional<HealthChange> change;
    for (int i = 0; i < 3; ++i) {
        change = endpoint.report(Outcome::connect_failed, AttemptKind::ordinary, none, at(10));
    }
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, Health::open);
    EndpointStatus status = endpoint.status(at(20));
    EXPECT_EQ(status.health, Health::open);
    EXPECT_EQ(status.reason, "connect failed 3 times in a row; next try in 5s");
    EXPECT_EQ(status.since, at(10));
    EXPECT_EQ(status.in_flight_max, 7U);
    EXPECT_EQ(endpoint.status(at(5'010)).health, Health::half_open);
    ASSERT_EQ(endpoint.begin_attempt(at(5'010)), AttemptKind::probe);
    EXPECT_EQ(endpoint.begin_attempt(at(5'010)), std::nullopt);
    change = endpoint.report(Outcome::success, AttemptKind::probe, none, at(5'020));
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, Health::healthy);
    status = endpoint.status(at(5'030));
    EXPECT_EQ(status.health, Health::healthy);
    EXPECT_EQ(status.reason, "a request succeeded");
    EXPECT_EQ(status.since, at(5'020));
    EXPECT_EQ(endpoint.begin_attempt(at(5'030)), AttemptKind::ordinary);
}

TEST(EndpointState, PausesEvenWhenTheSameAnswerOpensIt) {
    config::Upstream upstream = test::make_upstream("gpu");
    upstream.breaker.requests_min = 2;
    EndpointState endpoint("u", upstream);
    endpoint.report(Outcome::overloaded, AttemptKind::ordinary, none, at(0));
    const auto change =
        endpoint.report(Outcome::overloaded, AttemptKind::ordinary, Milliseconds(60'000), at(0));
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, Health::open);
    EXPECT_EQ(endpoint.health(at(0)), Health::open);
    EXPECT_FALSE(endpoint.is_ready(at(5'000))) << "due for a probe, but still paused";
    EXPECT_TRUE(endpoint.is_ready(at(60'000)));
}

TEST(EndpointState, HasAnIdOfItsLabelAlone) {
    const EndpointState one("http://a", test::make_upstream("x"));
    const EndpointState same("http://a", test::make_upstream("y"));
    const EndpointState other("http://b", test::make_upstream("x"));
    EXPECT_EQ(one.id(), same.id());
    EXPECT_NE(one.id(), other.id());
}

TEST(Health, HasANameForEachState) {
    EXPECT_EQ(name_of(Health::healthy), "healthy");
    EXPECT_EQ(name_of(Health::checking_failed), "checking_failed");
    EXPECT_EQ(name_of(Health::open), "open");
    EXPECT_EQ(name_of(Health::half_open), "half_open");
    EXPECT_EQ(name_of(Health::paused), "paused");
}

}  // namespace
}  // namespace sluicegate::route
