#include "upstream/address_order.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;

std::vector<TcpEndpoint> addresses(const std::vector<std::string>& texts) {
    std::vector<TcpEndpoint> all;
    for (const std::string& text : texts) {
        all.emplace_back(boost::asio::ip::make_address(text), 443);
    }
    return all;
}

std::vector<std::string> texts(const std::vector<TcpEndpoint>& addresses) {
    std::vector<std::string> all;
    for (const TcpEndpoint& address : addresses) all.push_back(address.address().to_string());
    return all;
}

const Instant start{1h};
using Texts = std::vector<std::string>;

TEST(AddressOrder, EachConnectionBeginsWithTheNextAddress) {
    AddressOrder order;
    const auto all = addresses({"192.0.2.1", "192.0.2.2", "192.0.2.3"});
    EXPECT_EQ(texts(order.next(all, start)), (Texts{"192.0.2.1", "192.0.2.2", "192.0.2.3"}));
    EXPECT_EQ(texts(order.next(all, start)), (Texts{"192.0.2.2", "192.0.2.3", "192.0.2.1"}));
    EXPECT_EQ(texts(order.next(all, start)), (Texts{"192.0.2.3", "192.0.2.1", "192.0.2.2"}));
    EXPECT_EQ(texts(order.next(all, start)), (Texts{"192.0.2.1", "192.0.2.2", "192.0.2.3"}));
}

TEST(AddressOrder, DoesNotDependOnHowTheNameServerShuffled) {
    AddressOrder order;
    EXPECT_EQ(texts(order.next(addresses({"192.0.2.2", "192.0.2.1"}), start)).front(), "192.0.2.1");
    EXPECT_EQ(texts(order.next(addresses({"192.0.2.1", "192.0.2.2"}), start)).front(), "192.0.2.2");
    EXPECT_EQ(texts(order.next(addresses({"192.0.2.2", "192.0.2.1"}), start)).front(), "192.0.2.1");
}

TEST(AddressOrder, FamiliesAlternate) {
    AddressOrder order;
    const auto all =
        addresses({"192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.2", "192.0.2.3"});
    EXPECT_EQ(texts(order.next(all, start)),
              (Texts{"192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2", "192.0.2.3"}));
    EXPECT_EQ(texts(order.next(all, start)),
              (Texts{"2001:db8::1", "192.0.2.2", "2001:db8::2", "192.0.2.3", "192.0.2.1"}));
}

TEST(AddressOrder, WhatFailedComesLastForAWhile) {
    AddressOrder order;
    const auto all = addresses({"192.0.2.1", "192.0.2.2", "192.0.2.3"});
    order.failed(all[0], start);
    EXPECT_EQ(texts(order.next(all, start)), (Texts{"192.0.2.2", "192.0.2.3", "192.0.2.1"}));
    EXPECT_EQ(texts(order.next(all, start)), (Texts{"192.0.2.2", "192.0.2.3", "192.0.2.1"}));
    const Instant last = start + AddressOrder::distrust - 1ms;
    EXPECT_EQ(texts(order.next(all, last)), (Texts{"192.0.2.3", "192.0.2.2", "192.0.2.1"}));
    EXPECT_EQ(texts(order.next(all, last + 1ms)).front(), "192.0.2.1");
}

TEST(AddressOrder, AllAreTriedEvenIfAllHaveFailed) {
    AddressOrder order;
    const auto all = addresses({"192.0.2.1", "2001:db8::1"});
    for (const TcpEndpoint& address : all) order.failed(address, start);
    EXPECT_EQ(order.next(all, start).size(), 2U);
    const auto one = addresses({"192.0.2.1"});
    order.failed(one[0], start);
    EXPECT_EQ(order.next(one, start), one);
}

}  // namespace
}  // namespace sluicegate::upstream
