#pragma once
/// Frees snapshots that are no longer in force, a part of them in each turn of the worker's loop:
/// the last request that used one may be any, and its worker has others to serve.
///
/// Threads  one: the worker's.

#include "sluicegate/net/types.hpp"
#include "sluicegate/worker/local_snapshot.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace sluicegate::worker {

class Disposal : public std::enable_shared_from_this<Disposal> {
public:
    /// Endpoints and models that one turn frees.
    static constexpr std::size_t step_size = 256;

    explicit Disposal(net::asio::io_context& io) noexcept : io_(io) {}
    Disposal(const Disposal&) = delete;
    Disposal& operator=(const Disposal&) = delete;

    void add(std::unique_ptr<LocalSnapshot> snapshot) noexcept;
    /// From now on everything is freed at once: the loop is about to end.
    void close() noexcept;
    /// Frees a part; true when nothing is left.
    bool step() noexcept;

private:
    void post_step() noexcept;

    net::asio::io_context& io_;
    bool is_open_ = true;
    std::vector<std::unique_ptr<LocalSnapshot>> waiting_;
};

/// The same snapshot, handed to `disposal` by its last owner.
[[nodiscard]] std::shared_ptr<LocalSnapshot> freed_in_parts(std::unique_ptr<LocalSnapshot> snapshot,
                                                            std::shared_ptr<Disposal> disposal);

}  // namespace sluicegate::worker
