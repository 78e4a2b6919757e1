#include "sluicegate/auth/key_ring.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace sluicegate::auth {
namespace {

/// Digests are evenly spread already. A client cannot aim at the slot of another key without
/// computing as many digests as it would need to find that key.
std::uint64_t prefix_of(const KeyHash& hash) noexcept {
    std::uint64_t prefix = 0;
    std::memcpy(&prefix, hash.data(), sizeof prefix);
    return prefix;
}

bool equal_in_constant_time(const KeyHash& a, const KeyHash& b) noexcept {
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

KeyRecord record_of(const config::User& user, std::size_t user_index, const config::ApiKey& key,
                    const KeyRing::Ids& ids) {
    KeyRecord record;
    record.hash = key.sha256;
    record.user = ids.user(user.name);
    record.user_index = user_index;
    record.user_name = user.name;
    record.group = user.group;
    record.key_id = key.id;
    record.expires = key.expires;
    record.allow_ips = key.allow_ips;
    record.allows_all_models = key.models.empty();
    for (const std::string& name : key.models) {
        if (const auto model = ids.model(name)) record.models.push_back(*model);
    }
    std::sort(record.models.begin(), record.models.end());
    return record;
}

}  // namespace

KeyRing KeyRing::build(std::span<const config::User> users, const Ids& ids) {
    KeyRing ring;
    for (std::size_t i = 0; i < users.size(); ++i) {
        for (const config::ApiKey& key : users[i].keys) {
            if (users[i].is_disabled || key.is_disabled) continue;
            ring.records_.push_back(record_of(users[i], i, key, ids));
        }
    }
    // At least one slot stays free, so that every search ends.
    ring.table_.resize(std::bit_ceil(2 * ring.records_.size() + 1));
    for (std::size_t i = 0; i < ring.records_.size(); ++i) {
        const KeyHash& hash = ring.records_[i].hash;
        assert(ring.find(hash) == nullptr);
        const std::uint64_t prefix = prefix_of(hash);
        std::size_t at = prefix & (ring.table_.size() - 1);
        while (ring.table_[at].record != 0) at = (at + 1) & (ring.table_.size() - 1);
        ring.table_[at] = {.prefix = prefix, .record = static_cast<std::uint32_t>(i + 1)};
    }
    return ring;
}

const KeyRecord* KeyRing::find(const KeyHash& hash) const noexcept {
    const std::uint64_t prefix = prefix_of(hash);
    const std::size_t mask = table_.size() - 1;
    for (std::size_t at = prefix & mask; table_[at].record != 0; at = (at + 1) & mask) {
        if (table_[at].prefix != prefix) continue;
        const KeyRecord& record = records_[table_[at].record - 1];
        if (equal_in_constant_time(record.hash, hash)) return &record;
    }
    // An unknown digest also costs one comparison; its result is ignored.
    static constexpr KeyHash absent{};
    static_cast<void>(equal_in_constant_time(absent, hash));
    return nullptr;
}

}  // namespace sluicegate::auth
