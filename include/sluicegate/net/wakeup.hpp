#pragma once
/// Lets one task sleep until another part of the same worker wakes it.
///
/// A call of wake() while nobody sleeps is kept: the next wait() returns at once. One task waits at
/// a time, and the Wakeup must outlive its wait.
/// Threads  one: the worker's.

#include "sluicegate/net/types.hpp"

namespace sluicegate::net {

class Wakeup {
public:
    explicit Wakeup(asio::io_context& context)
        : timer_(context.get_executor(), Timer::time_point::max()) {}
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;

    Task<void> wait() {
        if (!is_woken_) co_await timer_.async_wait(use_result);
        is_woken_ = false;
    }
    void wake() noexcept {
        is_woken_ = true;
        timer_.cancel();
    }

private:
    Timer timer_;
    bool is_woken_ = false;
};

}  // namespace sluicegate::net
