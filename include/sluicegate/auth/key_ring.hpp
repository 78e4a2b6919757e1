#pragma once
/// Every API key of one configuration, found by its digest.
///
/// Ownership  immutable. Records and views of them live as long as the ring. A request's snapshot
///            keeps the ring alive.
/// Threads    any number may read.

#include "sluicegate/auth/key_hash.hpp"
#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/config/address.hpp"
#include "sluicegate/config/user.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::auth {

/// One key and its owner.
struct KeyRecord {
    KeyHash hash{};
    UserId user{};
    std::size_t user_index = 0;  ///< in the users that the ring was built from
    std::string user_name;
    std::string group;
    std::string key_id;
    std::optional<WallTime> expires;  ///< the first moment at which it is invalid
    bool allows_all_models = true;
    std::vector<ModelId> models;                  ///< sorted; the allowed ones, unless all are
    std::vector<config::AddressRange> allow_ips;  ///< empty: all
};

/// The caller of a request, for limits, logs and metrics. Views into the KeyRing.
struct Caller {
    UserId user{};
    std::size_t user_index = 0;
    std::string_view user_name;
    std::string_view group;
    std::string_view key_id;
};

class KeyRing {
public:
    /// Converts names to numbers. The builder of the snapshot provides it.
    struct Ids {
        std::function<UserId(std::string_view)> user;
        /// Nothing for a model that is off. A key that lists only such models may use none.
        std::function<std::optional<ModelId>(std::string_view)> model;
    };

    /// No digest may occur twice (config::load ensures it).
    [[nodiscard]] static KeyRing build(std::span<const config::User> users, const Ids& ids);

    /// Null for an unknown digest. Whole digests are compared in constant time, with one comparison
    /// for a known and for an unknown digest.
    [[nodiscard]] const KeyRecord* find(const KeyHash& hash) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }

private:
    struct Slot {
        std::uint64_t prefix = 0;  ///< first 8 bytes of the digest
        std::uint32_t record = 0;  ///< index + 1; 0: free
    };

    KeyRing() = default;

    std::vector<KeyRecord> records_;
    std::vector<Slot> table_;  ///< open addressing, a power of two, at most half full
};

}  // namespace sluicegate::auth
