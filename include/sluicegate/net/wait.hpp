#pragma once
/// Lets one task sleep until another part of the same worker wakes it, or until a time has come.
///
/// A wake() that comes while no task sleeps is kept: the next until() returns at once.
///
/// Ownership  the Wait must outlive the task that sleeps on it, and the Deadlines outlive the Wait.
/// Threads    one: the worker's. One task sleeps at a time.

#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/types.hpp"

namespace sluicegate::net {

class Wait {
public:
    Wait(asio::io_context& context, Deadlines& deadlines) noexcept;
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    /// True when it was woken; false when `at` came first, which shows at most one tick late.
    Task<bool> until(Instant at);
    /// Sleeps until it is woken.
    Task<bool> forever() { return until(Instant::max()); }
    void wake() noexcept;

private:
    static void time_has_come(void* self) noexcept;

    Timer timer_;
    Deadline deadline_;
    bool is_woken_ = false;
};

}  // namespace sluicegate::net
