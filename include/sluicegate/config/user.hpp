#pragma once
/// `groups.NAME:` and `users.NAME:`: the users, their keys and their limits.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/address.hpp"
#include "sluicegate/config/limits.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::config {

/// By model name, or "*" for fields that the model's own entry does not set. It may name a model
/// that is off (see Config::notes).
using LimitsByModel = std::map<std::string, Limits>;

struct Group {
    std::string name;
    LimitsByModel limits;
};

struct ApiKey {
    std::string id;                         ///< unique among the keys of its user
    std::array<std::uint8_t, 32> sha256{};  ///< of the key's text; unique among all keys
    std::optional<WallTime> expires;        ///< the first moment at which it is invalid
    /// Empty: all models. It may name models that are off; these stay in the list.
    std::vector<std::string> models;
    std::vector<AddressRange> allow_ips;  ///< empty: all
    bool is_disabled = false;             ///< refused like one that does not exist
};

struct User {
    std::string name;
    std::string group = "default";  ///< always the name of one of Config::groups
    LimitsByModel limits;
    std::vector<ApiKey> keys;  ///< may be empty: a user whose keys are all revoked
    bool is_disabled = false;  ///< and so are all its keys
};

}  // namespace sluicegate::config
