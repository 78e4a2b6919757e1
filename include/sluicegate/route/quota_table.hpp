#pragma once
/// Finds the Quota of an account and a model, the same one for all who share it and across reloads.

#include "sluicegate/config/upstream.hpp"
#include "sluicegate/route/quota.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sluicegate::route {

/// Threads  one at a time: whoever builds snapshots.
class QuotaTable {
public:
    /// `account`: config::account_key(). `model`: the upstream's name for it.
    [[nodiscard]] std::shared_ptr<Quota> find(std::string_view account, std::string_view model);
    /// Quotas that are kept, some of which nobody may have any more.
    [[nodiscard]] std::size_t size() const noexcept { return quotas_.size(); }

private:
    std::map<std::pair<std::string, std::string>, std::weak_ptr<Quota>> quotas_;
    std::size_t pruned_at_ = 64;  ///< size at which what nobody has is dropped
};

}  // namespace sluicegate::route
