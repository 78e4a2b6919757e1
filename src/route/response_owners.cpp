#include "sluicegate/route/response_owners.hpp"

#include "route/mix.hpp"

namespace sluicegate::route {

std::uint64_t ResponseOwners::name_key(std::string_view name) noexcept {
    return hash_text(name);
}

void ResponseOwners::remember(std::string_view id, const Owner& owner, Instant now) {
    const std::uint64_t hash = hash_text(id);
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(hash);
    if (found != ids_.end()) {
        const Entry& known = *found->second;
        if (known.owner.user != owner.user && known.expires_at > now) return;
        remove(found->second);
    }
    if (ids_.size() >= bounds_.ids_max) make_room(owner.user);
    add({.id = hash, .owner = owner, .expires_at = now + bounds_.age_max});
}

std::optional<ResponseOwners::Owner> ResponseOwners::find(std::string_view id, Instant now) const {
    const std::uint64_t hash = hash_text(id);
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(hash);
    if (found == ids_.end()) return std::nullopt;
    const Entry& known = *found->second;
    return known.expires_at > now ? std::optional(known.owner) : std::nullopt;
}

std::size_t ResponseOwners::size() const {
    const std::lock_guard lock(mutex_);
    return ids_.size();
}

/// The oldest id of the user with the most gives way; where `user` has as many, one of its own.
void ResponseOwners::make_room(std::uint64_t user) {
    const auto [most, other] = *by_count_.rbegin();
    const auto own = users_.find(user);
    const bool is_own = own != users_.end() && own->second.size() == most;
    remove(is_own ? own->second.begin() : users_.at(other).begin());
}

void ResponseOwners::add(const Entry& entry) {
    const std::uint64_t user = entry.owner.user;
    Ids& ids = users_[user];
    by_count_.erase({ids.size(), user});
    ids_[entry.id] = ids.insert(ids.end(), entry);
    by_count_.emplace(ids.size(), user);
}

void ResponseOwners::remove(Ids::iterator entry) {
    const std::uint64_t user = entry->owner.user;
    const auto found = users_.find(user);
    Ids& ids = found->second;
    by_count_.erase({ids.size(), user});
    ids_.erase(entry->id);
    ids.erase(entry);
    if (ids.empty()) {
        users_.erase(found);
    } else {
        by_count_.emplace(ids.size(), user);
    }
}

}  // namespace sluicegate::route
