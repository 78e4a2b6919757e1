#include "sluicegate/route/response_owners.hpp"

#include "route/mix.hpp"

namespace sluicegate::route {

std::uint64_t ResponseOwners::name_key(std::string_view name) noexcept {
    return hash_text(name);
}

void ResponseOwners::remember(std::string_view id, const Owner& owner, Instant now) {
    const std::uint64_t hash = hash_text(id);
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(hash);
    if (found != places_.end()) {
        const Entry& known = entries_[found->second];
        if (known.owner.user != owner.user && known.expires_at > now) return;
        remove(found->second);
    }
    if (places_.size() >= bounds_.ids_max) make_room(owner.user);
    add(hash, owner, now + bounds_.age_max);
}

std::optional<ResponseOwners::Owner> ResponseOwners::find(std::string_view id, Instant now) const {
    const std::uint64_t hash = hash_text(id);
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(hash);
    if (found == places_.end()) return std::nullopt;
    const Entry& known = entries_[found->second];
    return known.expires_at > now ? std::optional(known.owner) : std::nullopt;
}

std::size_t ResponseOwners::size() const {
    const std::lock_guard lock(mutex_);
    return places_.size();
}

/// The oldest id of the user with the most gives way; where `user` has as many, one of its own.
void ResponseOwners::make_room(std::uint64_t user) {
    const auto [most, other] = *by_count_.rbegin();
    const auto own = users_.find(user);
    const bool is_own = own != users_.end() && own->second.ids == most;
    remove(is_own ? own->second.oldest : users_.at(other).oldest);
}

void ResponseOwners::add(std::uint64_t id, const Owner& owner, Instant expires_at) {
    Place place = nowhere;
    if (free_.empty()) {
        place = static_cast<Place>(entries_.size());
        entries_.emplace_back();
    } else {
        place = free_.back();
        free_.pop_back();
    }
    User& user = users_[owner.user];
    entries_[place] = {
        .id = id, .owner = owner, .expires_at = expires_at, .older = user.newest, .newer = nowhere};
    (user.newest == nowhere ? user.oldest : entries_[user.newest].newer) = place;
    user.newest = place;
    places_[id] = place;
    count(owner.user, user, user.ids + 1);
}

void ResponseOwners::remove(Place place) {
    const Entry entry = entries_[place];
    const auto found = users_.find(entry.owner.user);
    User& user = found->second;
    (entry.older == nowhere ? user.oldest : entries_[entry.older].newer) = entry.newer;
    (entry.newer == nowhere ? user.newest : entries_[entry.newer].older) = entry.older;
    places_.erase(entry.id);
    free_.push_back(place);
    count(entry.owner.user, user, user.ids - 1);
    if (user.ids == 0) users_.erase(found);
}

void ResponseOwners::count(std::uint64_t user, User& ids, std::size_t next) {
    if (ids.ids > 0) by_count_.erase({ids.ids, user});
    ids.ids = next;
    if (next > 0) by_count_.emplace(next, user);
}

}  // namespace sluicegate::route
