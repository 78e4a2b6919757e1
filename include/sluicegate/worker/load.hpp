#pragma once
/// The requests of all workers that are being served, and whether there is room for another one.
///
/// Only requests with a valid key count, so that strangers cannot use the room up.
/// Bounds   server.max_in_flight; the descriptors of the process, of which each request may need
///          one for its upstream; and 15 of 16 parts of server.memory, so that the answers of what
///          runs already still find room: beyond them, users who hold more than is left begin
///          nothing.
/// Threads  any. A request that is refused or ends changes one atomic number.

#include "sluicegate/base/memory_budget.hpp"
#include "sluicegate/client/connection_places.hpp"
#include "sluicegate/upstream/open_connections.hpp"

#include <atomic>
#include <cstddef>

namespace sluicegate::worker {

class Load {
public:
    Load(const MemoryBudget& memory, const client::ConnectionPlaces& places) noexcept
        : memory_(memory), places_(places) {}
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// How many descriptors there are for clients and their requests. Before the first request;
    /// 0: they are no bound.
    void set_descriptors_max(std::size_t most) noexcept { descriptors_max_ = most; }

    /// Whether there is a descriptor for another client. Beyond that it would be one of those that
    /// the process itself needs, and the admin port would not answer.
    [[nodiscard]] bool has_room_for_client() const noexcept {
        return descriptors_max_ == 0 || in_flight() + places_.taken() < descriptors_max_;
    }

    /// Why a request of `user` may not begin; null when it may. `most`: server.max_in_flight, 0 for
    /// none. Call end() for each request that has begun.
    [[nodiscard]] const char* begin(std::size_t most, const MemoryShare& user) noexcept;
    /// The same for one that had ended while its body arrived: it holds its memory.
    [[nodiscard]] const char* resume(std::size_t most) noexcept;
    void end() noexcept { in_flight_.fetch_sub(1, std::memory_order_relaxed); }

    /// The idle ones among them are no bound: they give way.
    [[nodiscard]] upstream::OpenConnections& upstream_connections() noexcept {
        return upstream_connections_;
    }

    [[nodiscard]] std::size_t in_flight() const noexcept {
        return in_flight_.load(std::memory_order_relaxed);
    }

private:
    [[nodiscard]] std::size_t upstream_connections_max() const noexcept;

    const MemoryBudget& memory_;
    const client::ConnectionPlaces& places_;
    std::size_t descriptors_max_ = 0;
    std::atomic<std::size_t> in_flight_{0};
    upstream::OpenConnections upstream_connections_{[this] { return upstream_connections_max(); }};
};

}  // namespace sluicegate::worker
