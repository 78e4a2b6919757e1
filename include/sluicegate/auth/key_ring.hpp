#pragma once
/// Every API key of one configuration, found by its digest.
///
/// Ownership  immutable; records and views of them live as long as the ring, which the snapshot
///            of a request keeps alive.
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

/// One key and whom it stands for.
struct KeyRecord {
    KeyHash hash{};
    UserId user{};
    std::size_t user_index = 0;  ///< in the users that the ring was built from
    std::string user_name;
    std::string group;
    std::string key_id;
    std::optional<WallTime> expires;  ///< the first moment at which it is no longer valid
    bool allows_all_models = true;
    std::vector<ModelId> models;                  ///< sorted; the allowed ones, unless all are
    std::vector<config::AddressRange> allow_ips;  ///< empty: all
};

/// Who sends a request, for limits, logs and metrics. Views into the KeyRing.
struct Caller {
    UserId user{};
    std::size_t user_index = 0;
    std::string_view user_name;
    std::string_view group;
    std::string_view key_id;
};

class KeyRing {
public:
    /// The numbers of names, given out by whoever builds the snapshot.
    struct Ids {
        std::function<UserId(std::string_view)> user;
        /// None for a model that is off: a key that lists only such models may use none.
        std::function<std::optional<ModelId>(std::string_view)> model;
    };

    /// No digest may occur twice (config::load sees to it).
    [[nodiscard]] static KeyRing build(std::span<const config::User> users, const Ids& ids);

    /// Null for an unknown digest. Whole digests are compared in constant time, one comparison
    /// for a known and for an unknown one alike.
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
