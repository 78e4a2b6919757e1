#include "app/key_expiry.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::app {
namespace {

TEST(KeyExpiry, CountsTheKeysInUseThatEndWithin14Days) {
    const WallTime now{std::chrono::hours(500'000)};
    const auto user_of = [now](const std::string& name, std::chrono::hours left) {
        config::ApiKey key;
        key.id = "k";
        key.expires = now + left;
        config::User user;
        user.name = name;
        user.keys = {key};
        return user;
    };
    config::Config config;
    config.users = {user_of("late", std::chrono::hours(14 * 24 + 1)),
                    user_of("soon", std::chrono::hours(14 * 24)),
                    user_of("now", std::chrono::hours(1)), user_of("over", std::chrono::hours(0)),
                    user_of("off", std::chrono::hours(1))};
    config.users.back().is_disabled = true;
    config.users.push_back(user_of("never", std::chrono::hours(1)));
    config.users.back().keys.front().expires.reset();
    config.users.push_back(user_of("key is off", std::chrono::hours(1)));
    config.users.back().keys.front().is_disabled = true;

    KeyExpiry expiry;
    EXPECT_EQ(expiry.count_soon(now), 0U);
    expiry.configure(config);
    EXPECT_EQ(expiry.count_soon(now), 2U);
    EXPECT_EQ(expiry.count_soon(now + std::chrono::hours(2)), 2U) << "one is over, one comes in";
    expiry.configure(config::Config());
    EXPECT_EQ(expiry.count_soon(now), 0U);
}

}  // namespace
}  // namespace sluicegate::app
