#include "sluicegate/client/connection_list.hpp"

namespace sluicegate::client {

void ConnectionList::add(ConnectionLink& connection, ConnectionPlaces::Grant place) noexcept {
    links_.push_back(connection);
    ++count_;
    places_.add(connection, owner_, std::move(place));
    gauge_.add();
}

void ConnectionList::remove(ConnectionLink& connection) noexcept {
    links_.erase(links_.iterator_to(connection));
    --count_;
    places_.remove(connection);
    gauge_.subtract();
    if (count_ == 0 && on_empty_) on_empty_();
}

void ConnectionList::close_those_that_give_way() noexcept {
    while (ConnectionPlaces::Link* const link = owner_.next_to_end()) {
        static_cast<ConnectionLink*>(link)->close();
    }
}

void ConnectionList::close_idle(bool are_fresh_too) noexcept {
    for (ConnectionLink& link : links_) link.close_if_idle(are_fresh_too);
}

void ConnectionList::cut_off_all() noexcept {
    for (ConnectionLink& link : links_) link.cut_off();
}

}  // namespace sluicegate::client
