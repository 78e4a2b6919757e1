#include "sluicegate/auth/authenticate.hpp"

#include "sluicegate/auth/new_key.hpp"

#include <algorithm>

namespace sluicegate::auth {
namespace {

Failure refused(ErrorKind kind, const KeyRecord& record) {
    return fail(kind, "user " + record.user_name + ", key " + record.key_id);
}

}  // namespace

Result<const KeyRecord*> authenticate(const KeyRing& ring, std::string_view key,
                                      const config::IpAddress& from, WallTime now) {
    const KeyRecord* const record = ring.find(hash_key(key));
    if (record == nullptr) {
        return fail(is_mistyped(key) ? ErrorKind::mistyped_api_key : ErrorKind::invalid_api_key);
    }
    if (record->expires && *record->expires <= now) {
        return refused(ErrorKind::api_key_expired, *record);
    }
    const auto holds = [&](const config::AddressRange& range) { return range.contains(from); };
    if (!record->allow_ips.empty() &&
        std::none_of(record->allow_ips.begin(), record->allow_ips.end(), holds)) {
        return refused(ErrorKind::ip_not_allowed, *record);
    }
    return record;
}

bool may_use(const KeyRecord& record, ModelId model) noexcept {
    return record.allows_all_models ||
           std::binary_search(record.models.begin(), record.models.end(), model);
}

Caller caller_of(const KeyRecord& record) noexcept {
    return {.user = record.user,
            .user_index = record.user_index,
            .user_name = record.user_name,
            .group = record.group,
            .key_id = record.key_id};
}

}  // namespace sluicegate::auth
