#include "sluicegate/route/quota_table.hpp"

#include <algorithm>
#include <vector>

namespace sluicegate::route {

std::shared_ptr<Quota> QuotaTable::find(std::string_view account, std::string_view model) {
    // Looked through only once it has doubled: a configuration may hold many.
    if (quotas_.size() >= pruned_at_) {
        std::erase_if(quotas_, [](const auto& item) { return item.second.expired(); });
        pruned_at_ = std::max<std::size_t>(64, 2 * quotas_.size());
    }
    std::weak_ptr<Quota>& kept = quotas_[{std::string(account), std::string(model)}];
    std::shared_ptr<Quota> quota = kept.lock();
    if (quota == nullptr) {
        quota = std::make_shared<Quota>();
        kept = quota;
    }
    return quota;
}

}  // namespace sluicegate::route
