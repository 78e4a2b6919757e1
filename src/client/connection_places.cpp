#include "sluicegate/client/connection_places.hpp"

#include <algorithm>

namespace sluicegate::client {
namespace {

/// One of so many places is reserved for connections that have shown a valid key.
constexpr std::size_t reserved_divisor = 10;

}  // namespace

void ConnectionPlaces::set_most(std::size_t most) noexcept {
    most_ = std::max<std::size_t>(most, 1);
    strangers_most_ = most_ - most_ / reserved_divisor;
}

bool ConnectionPlaces::GivesWayBefore::operator()(const Group& one,
                                                  const Group& other) const noexcept {
    if (one.count != other.count) return one.count > other.count;
    if (one.by_idle_time.empty() || other.by_idle_time.empty()) return !one.by_idle_time.empty();
    return one.by_idle_time.front().idle_since_ < other.by_idle_time.front().idle_since_;
}

template <typename Change>
void ConnectionPlaces::update(Group& group, const Change& change) noexcept {
    if (group.is_linked()) ranking_.erase(ranking_.iterator_to(group));
    change();
    if (group.count > 0) {
        ranking_.insert(group);
    } else {
        groups_.erase(groups_.find(group.address));
    }
}

ConnectionPlaces::Link* ConnectionPlaces::next_to_give_way() noexcept {
    // A group without links has connections that are about to begin.
    for (Group& group : ranking_) {
        if (!group.by_idle_time.empty()) return &group.by_idle_time.front();
    }
    return nullptr;
}

void ConnectionPlaces::unlink_stranger(Link& link) noexcept {
    Group& group = *link.group_;
    update(group, [&] {
        group.by_idle_time.erase(Links::s_iterator_to(link));
        --group.count;
    });
    link.group_ = nullptr;
}

std::optional<ConnectionPlaces::Grant> ConnectionPlaces::take(const net::AddressBytes& address,
                                                              bool takes_over) {
    const std::scoped_lock lock(mutex_);
    const bool has_room = taken() < most_ && strangers_ < strangers_most_;
    Link* const link = has_room && !takes_over ? nullptr : next_to_give_way();
    if (!has_room && link == nullptr) return std::nullopt;
    // Before the other gives way, because there may be no memory for it.
    Group& group = groups_[address];
    group.address = address;
    update(group, [&] { ++group.count; });
    if (link == nullptr) {
        change_taken(1);
        ++strangers_;
        return Grant(*this, group, false);
    }
    Owner& owner = *link->owner_;
    if (owner.giving_way_.empty()) owner.wake_();
    unlink_stranger(*link);
    owner.giving_way_.push_back(*link);
    link->side_ = Side::given_way;
    // The newcomer takes the place over, so the counts stay.
    return Grant(*this, group, true);
}

ConnectionPlaces::Grant::~Grant() {
    if (places_ == nullptr) return;
    const std::scoped_lock lock(places_->mutex_);
    places_->update(*group_, [&] { --group_->count; });
    places_->change_taken(-1);
    --places_->strangers_;
}

ConnectionPlaces::Link* ConnectionPlaces::Owner::next_to_end() noexcept {
    const std::scoped_lock lock(places_.mutex_);
    if (giving_way_.empty()) return nullptr;
    Link& link = giving_way_.front();
    giving_way_.pop_front();
    return &link;
}

void ConnectionPlaces::add(Link& link, Owner& owner, Grant grant) noexcept {
    const std::scoped_lock lock(mutex_);
    grant.places_ = nullptr;
    link.owner_ = &owner;
    link.side_ = Side::stranger;
    link.group_ = grant.group_;
    link.idle_since_ = ++idle_times_;
    update(*link.group_, [&] { link.group_->by_idle_time.push_back(link); });
}

void ConnectionPlaces::remove(Link& link) noexcept {
    const std::scoped_lock lock(mutex_);
    switch (link.side_) {
        case Side::none: break;
        case Side::stranger:
            unlink_stranger(link);
            --strangers_;
            change_taken(-1);
            break;
        case Side::known: change_taken(-1); break;
        case Side::given_way:
            if (link.is_linked()) link.owner_->giving_way_.erase(Links::s_iterator_to(link));
            break;
    }
    link.side_ = Side::none;
}

void ConnectionPlaces::move_to(Link& link, const net::AddressBytes& address) {
    const std::scoped_lock lock(mutex_);
    if (link.side_ != Side::stranger || link.group_->address == address) return;
    // Before it leaves the old one, because there may be no memory for it.
    Group& group = groups_[address];
    group.address = address;
    unlink_stranger(link);
    link.group_ = &group;
    link.idle_since_ = ++idle_times_;
    update(group, [&] {
        group.by_idle_time.push_back(link);
        ++group.count;
    });
}

void ConnectionPlaces::note_known(Link& link) noexcept {
    const std::scoped_lock lock(mutex_);
    if (link.side_ != Side::stranger) return;
    unlink_stranger(link);
    --strangers_;
    link.side_ = Side::known;
}

void ConnectionPlaces::note_answered(Link& link) noexcept {
    const std::scoped_lock lock(mutex_);
    if (link.side_ != Side::stranger) return;
    Links& links = link.group_->by_idle_time;
    update(*link.group_, [&] {
        links.splice(links.end(), links, Links::s_iterator_to(link));
        link.idle_since_ = ++idle_times_;
    });
}

}  // namespace sluicegate::client
