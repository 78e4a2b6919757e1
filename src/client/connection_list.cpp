#include "sluicegate/client/connection_list.hpp"

#include "sluicegate/client/connection.hpp"

namespace sluicegate::client {

void ConnectionList::add(Connection& connection) noexcept {
    links_.push_back(connection);
    ++count_;
    total_.fetch_add(1, std::memory_order_relaxed);
    gauge_.add();
}

void ConnectionList::remove(Connection& connection) noexcept {
    connection.unlink();
    --count_;
    total_.fetch_sub(1, std::memory_order_relaxed);
    gauge_.subtract();
    if (count_ == 0 && on_empty_) on_empty_();
}

void ConnectionList::close_idle() noexcept {
    for (ConnectionLink& link : links_) static_cast<Connection&>(link).close_if_idle();
}

void ConnectionList::close_all() noexcept {
    for (ConnectionLink& link : links_) static_cast<Connection&>(link).close();
}

}  // namespace sluicegate::client
