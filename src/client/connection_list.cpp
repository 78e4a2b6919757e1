#include "sluicegate/client/connection_list.hpp"

namespace sluicegate::client {

void ConnectionList::add(ConnectionLink& connection) noexcept {
    links_.push_back(connection);
    ++count_;
    total_.fetch_add(1, std::memory_order_relaxed);
    gauge_.add();
}

void ConnectionList::remove(ConnectionLink& connection) noexcept {
    connection.unlink();
    --count_;
    total_.fetch_sub(1, std::memory_order_relaxed);
    gauge_.subtract();
    if (count_ == 0 && on_empty_) on_empty_();
}

void ConnectionList::close_idle() noexcept {
    for (ConnectionLink& link : links_) link.close_if_idle();
}

void ConnectionList::close_all() noexcept {
    for (ConnectionLink& link : links_) link.close();
}

}  // namespace sluicegate::client
