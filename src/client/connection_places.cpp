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

std::optional<ConnectionPlaces::Grant> ConnectionPlaces::take(bool takes_over) {
    const std::scoped_lock lock(mutex_);
    const bool has_room = taken() < most_ && strangers_ < strangers_most_;
    if (has_room && (!takes_over || strangers_by_idle_time_.empty())) {
        change_taken(1);
        ++strangers_;
        return Grant(*this, false);
    }
    if (strangers_by_idle_time_.empty()) return std::nullopt;
    Link& link = strangers_by_idle_time_.front();
    Owner& owner = *link.owner_;
    if (owner.giving_way_.empty()) owner.wake_();
    strangers_by_idle_time_.pop_front();
    owner.giving_way_.push_back(link);
    link.side_ = Side::given_way;
    // The newcomer takes the place over, so the counts stay.
    return Grant(*this, true);
}

ConnectionPlaces::Grant::~Grant() {
    if (places_ == nullptr) return;
    const std::scoped_lock lock(places_->mutex_);
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
    strangers_by_idle_time_.push_back(link);
}

void ConnectionPlaces::remove(Link& link) noexcept {
    const std::scoped_lock lock(mutex_);
    switch (link.side_) {
        case Side::none: break;
        case Side::stranger:
            strangers_by_idle_time_.erase(strangers_by_idle_time_.iterator_to(link));
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

void ConnectionPlaces::note_known(Link& link) noexcept {
    const std::scoped_lock lock(mutex_);
    if (link.side_ != Side::stranger) return;
    strangers_by_idle_time_.erase(strangers_by_idle_time_.iterator_to(link));
    --strangers_;
    link.side_ = Side::known;
}

void ConnectionPlaces::note_answered(Link& link) noexcept {
    const std::scoped_lock lock(mutex_);
    if (link.side_ != Side::stranger) return;
    strangers_by_idle_time_.splice(strangers_by_idle_time_.end(), strangers_by_idle_time_,
                                   strangers_by_idle_time_.iterator_to(link));
}

}  // namespace sluicegate::client
