#include "sluicegate/route/quota_table.hpp"

#include <algorithm>
#include <vector>

namespace sluicegate::route {

std::string account_of(const config::Upstream& upstream) {
    if (!upstream.account.empty()) return "account\n" + upstream.account;
    if (upstream.endpoints.empty()) return "upstream\n" + upstream.name;
    std::vector<std::string> servers;
    for (const config::Endpoint& endpoint : upstream.endpoints) {
        servers.push_back(config::url_of(endpoint));
    }
    std::sort(servers.begin(), servers.end());
    std::string key = "servers";
    for (const std::string& server : servers) key += '\n' + server;
    key += '\n';
    if (upstream.api_key) key += upstream.api_key->reveal();
    return key;
}

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
