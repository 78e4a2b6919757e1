#include "app/key_expiry.hpp"

#include "sluicegate/base/log.hpp"

#include "app/timestamp.hpp"

#include <algorithm>
#include <cstdint>

namespace sluicegate::app {

void KeyExpiry::configure(const config::Config& config) {
    keys_.clear();
    for (const config::User& user : config.users) {
        for (const config::ApiKey& key : user.keys) {
            if (!key.expires || key.is_disabled || user.is_disabled) continue;
            keys_.push_back({.end = *key.expires, .user = user.name, .id = key.id});
        }
    }
    std::ranges::sort(keys_, {}, &Key::end);
}

KeyExpiry::Range KeyExpiry::ending_soon(WallTime now) const {
    const auto begin = std::ranges::upper_bound(keys_, now, {}, &Key::end);
    return {begin, std::ranges::upper_bound(begin, keys_.end(), now + soon, {}, &Key::end)};
}

std::size_t KeyExpiry::count_soon(WallTime now) const {
    const Range range = ending_soon(now);
    return static_cast<std::size_t>(range.end - range.begin);
}

void KeyExpiry::log_soon(WallTime now) const {
    const Range range = ending_soon(now);
    std::size_t lines = 0;
    for (auto key = range.begin; key != range.end; ++key) {
        if (++lines == lines_max) {
            log::warn("key_expires", "further keys expire within 14 days",
                      {{"keys", static_cast<std::int64_t>(range.end - key)}});
            return;
        }
        log::warn("key_expires", "the key expires within 14 days",
                  {{"user", key->user}, {"key", key->id}, {"expires", timestamp(key->end)}});
    }
}

}  // namespace sluicegate::app
