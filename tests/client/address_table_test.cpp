#include "sluicegate/client/address_table.hpp"

#include "sluicegate/config/address.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::client {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1000h};

net::AddressBytes address(std::string_view text) {
    return config::IpAddress::parse(text).value().bytes();
}
/// One of 2^32 networks of 64 bits.
net::AddressBytes network(std::uint32_t number) {
    net::AddressBytes bytes = address("2001:db8::1");
    for (unsigned i = 0; i < 4; ++i) bytes[4 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    return bytes;
}

class AddressTableTest : public testing::Test {
protected:
    std::optional<AddressTable::Hold> open(const net::AddressBytes& from, std::size_t most = 0,
                                           bool is_tls = false, Instant now = start) {
        return table.open(from, {.connections_max = most, .is_tls = is_tls}, now, refusal);
    }
    bool may_fail(const net::AddressBytes& from, unsigned limit, Instant now = start) {
        return !table.note_auth_failure(from, limit, now);
    }
    void fail_to_shake(const net::AddressBytes& from, unsigned times, Instant now = start) {
        for (unsigned i = 0; i < times; ++i) {
            auto hold = open(from, 0, true, now);
            ASSERT_TRUE(hold);
            hold->end_handshake(true, now);
        }
    }

    AddressTable table{10'000};
    AddressTable::Refusal refusal{};
};

TEST_F(AddressTableTest, CountsAsOneAddressWhatBelongsToOneClient) {
    struct Row {
        std::string one, other;
        bool is_same;
    };
    const std::vector<Row> rows{{"10.0.0.1", "10.0.0.1", true},
                                {"10.0.0.1", "10.0.0.2", false},
                                {"10.0.0.1", "::ffff:10.0.0.1", true},
                                {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
                                {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
                                {"::1", "::2", true},
                                {"::1", "127.0.0.1", false},
                                {"::", "::1", false}};  // the first is that of Unix sockets
    for (const Row& row : rows) {
        SCOPED_TRACE(row.one + " and " + row.other);
        const auto first = open(address(row.one), 1);
        ASSERT_TRUE(first);
        EXPECT_EQ(open(address(row.other), 1).has_value(), !row.is_same);
    }
}

TEST_F(AddressTableTest, RefusesConnectionsBeyondTheLimitUntilOneEnds) {
    const auto from = address("10.0.0.1");
    std::vector<AddressTable::Hold> holds;
    for (int i = 0; i < 3; ++i) holds.push_back(std::move(open(from, 3).value()));
    EXPECT_FALSE(open(from, 3));
    EXPECT_EQ(refusal, AddressTable::Refusal::connections);
    EXPECT_TRUE(open(address("10.0.0.2"), 3));
    holds.pop_back();
    EXPECT_TRUE(open(from, 3));
    EXPECT_TRUE(open(from, 0)) << "no limit";
}

TEST_F(AddressTableTest, AllowsSoManyFailuresInAnyMinuteAndSaysWhenTheNextMayCome) {
    const auto from = address("10.0.0.1");
    for (int i = 0; i < 60; ++i) EXPECT_TRUE(may_fail(from, 60, start + i * 100ms));
    const auto wait = table.note_auth_failure(from, 60, start + 6s);
    ASSERT_TRUE(wait);
    EXPECT_GT(*wait, 54s) << "the first 50 were less than a minute ago";
    EXPECT_LE(*wait, 60s);
    EXPECT_FALSE(may_fail(from, 60, start + 6s + *wait - 1ms));
    EXPECT_TRUE(may_fail(from, 60, start + 6s + *wait));
    EXPECT_TRUE(may_fail(address("10.0.0.2"), 60, start + 6s));
}

TEST_F(AddressTableTest, NeverAllowsMoreInAMinuteHoweverTheFailuresLie) {
    const auto from = address("2001:db8::1");
    std::vector<Instant> allowed;
    for (Instant now = start + 137ms; now < start + 5min; now += 311ms) {
        if (may_fail(from, 10, now)) allowed.push_back(now);
    }
    for (std::size_t i = 10; i < allowed.size(); ++i) {
        EXPECT_GE(allowed[i] - allowed[i - 10], 1min);
    }
    EXPECT_GE(allowed.size(), 40U) << "each 65 s, ten may fail";
}

TEST_F(AddressTableTest, CountsOnWhenAWorkersClockIsAStepBehind) {
    const auto from = address("10.0.0.1");
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(may_fail(from, 10, start + 5s));
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(may_fail(from, 10, start + 4999ms));
    EXPECT_FALSE(may_fail(from, 10, start + 5s));
}

TEST_F(AddressTableTest, ManyAddressesDoNotWipeOutTheFailuresOfOne) {
    const auto from = address("10.0.0.1");
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(may_fail(from, 60));
    const auto others = static_cast<std::uint32_t>(table.capacity() * 4);
    for (std::uint32_t i = 0; i < others; ++i) static_cast<void>(may_fail(network(i), 60));
    EXPECT_FALSE(may_fail(from, 60));
    EXPECT_TRUE(may_fail(address("10.0.0.9"), 60)) << "a full table blocks no other address";
}

TEST_F(AddressTableTest, KeepsTheCountOfOpenConnectionsWhileOthersComeAndGo) {
    const auto from = address("10.0.0.1");
    const auto held = open(from, 1);
    for (std::uint32_t i = 0; i < 300'000; ++i) static_cast<void>(open(network(i)));
    EXPECT_FALSE(open(from, 1));
}

TEST_F(AddressTableTest, RefusesHandshakesWhereTooManyFailed) {
    const auto from = address("10.0.0.1");
    fail_to_shake(from, AddressTable::handshakes_failed_max);
    EXPECT_FALSE(open(from, 0, true));
    EXPECT_EQ(refusal, AddressTable::Refusal::handshakes);
    EXPECT_TRUE(open(from, 0, false)) << "a plain listener has no handshakes";
    EXPECT_TRUE(open(address("10.0.0.2"), 0, true));
    EXPECT_TRUE(open(from, 0, true, start + 66s));
}

TEST_F(AddressTableTest, IsCrowdedWhereTooManyHandshakesAreNotFinished) {
    const auto from = address("10.0.0.1");
    std::vector<AddressTable::Hold> holds;
    for (int i = 0; i < 2500; ++i) holds.push_back(std::move(open(from, 0, true).value()));
    EXPECT_FALSE(holds.back().is_crowded());
    EXPECT_TRUE(open(from, 0, true)->is_crowded());
    EXPECT_FALSE(open(from, 0, false)->is_crowded());
    for (AddressTable::Hold& hold : holds) hold.end_handshake(false, start);
    EXPECT_FALSE(open(from, 0, true)->is_crowded()) << "those that went well do not count";
}

TEST_F(AddressTableTest, DoesNotHoldABalancerWithAKnownClientToTheBoundsOnHandshakes) {
    const auto balancer = address("10.0.0.1");
    auto known = open(balancer, 0, true);
    ASSERT_TRUE(known);
    known->end_handshake(false, start);
    known->note_known(start);
    fail_to_shake(balancer, AddressTable::handshakes_failed_max);
    EXPECT_TRUE(open(balancer, 0, true));
    known.reset();
    EXPECT_TRUE(open(balancer, 0, true)) << "its clients connect anew";
    fail_to_shake(balancer, AddressTable::handshakes_failed_max, start + 10min);
    EXPECT_FALSE(open(balancer, 0, true, start + 11min)) << "no key for ten minutes";
}

}  // namespace
}  // namespace sluicegate::client
