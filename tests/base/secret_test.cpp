#include "sluicegate/base/secret.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>
#include <utility>

namespace sluicegate {
namespace {

TEST(Secret, LeavesNothingBehindWhenMoved) {
    Secret from("a key that is longer than the small string buffer of std::string");
    const Secret to(std::move(from));
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): the promise under test
    EXPECT_EQ(to.reveal().substr(0, 5), "a key");
}

TEST(Secret, AssignsOverAnOldOne) {
    Secret secret("old");
    secret = Secret("new");
    EXPECT_EQ(secret.reveal(), "new");
    const Secret other("third");
    secret = other;
    EXPECT_EQ(secret.reveal(), "third");
    secret = static_cast<const Secret&>(secret);
    EXPECT_EQ(secret.reveal(), "third");
}

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

TEST(Secret, CannotBeStreamed) {
    EXPECT_FALSE(Streamable<Secret>);
}

}  // namespace
}  // namespace sluicegate
