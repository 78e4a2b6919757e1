#include "sluicegate/net/wait.hpp"

#include <utility>

namespace sluicegate::net {

Wait::Wait(asio::io_context& context, Deadlines& deadlines) noexcept
    : timer_(context.get_executor(), Timer::time_point::max()),
      deadline_(deadlines, this, &Wait::time_has_come) {
}

void Wait::time_has_come(void* self) noexcept {
    static_cast<Wait*>(self)->timer_.cancel();
}

void Wait::wake() noexcept {
    is_woken_ = true;
    timer_.cancel();
}

Task<bool> Wait::until(Instant at) {
    if (!is_woken_) {
        if (at != Instant::max()) deadline_.arm(at);
        co_await timer_.async_wait(use_result);
        deadline_.disarm();
    }
    co_return std::exchange(is_woken_, false);
}

}  // namespace sluicegate::net
