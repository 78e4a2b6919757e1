#pragma once
/// Takes the signals of the process on a thread of its own, and sees to it that a process that was
/// told to end does end, whatever its other threads wait for.
///
///   before serve_with()  TERM and INT end the process at once, with status 0; others wait
///   first TERM or INT    is handed on; the process ends within the drain timeout and `patience`
///   second               is handed on; the process ends within `patience`
///   third                ends the process at once
///
/// An end that this thread brings about has status 1 and says so on standard error. It saves
/// nothing: the limiter's journal holds what a kill would find.
///
/// Threads    construct before any other thread starts: they inherit that the signals are blocked.
/// Lifetime   one for each process.

#include "sluicegate/base/clock.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace sluicegate::app {

class SignalGuard {
public:
    /// Called on this object's thread: it must not wait for anything.
    using Handle = std::function<void(int signal)>;
    /// How long after a deadline that has cut what still ran the process may take to end. Others
    /// that try the same in an orderly way have until then.
    static constexpr Milliseconds patience{4'500};

    SignalGuard();
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;
    ~SignalGuard();

    /// From now on signals go to `handle`, those first that came before.
    void serve_with(Handle handle);
    /// No call of it runs any more, and none will. A deadline stays in force.
    void stop_handing_on();
    void set_drain_timeout(Milliseconds timeout) noexcept { drain_timeout_ = timeout; }

private:
    void run() noexcept;
    void take(int signal);
    void tell_to_end(Instant now);
    [[nodiscard]] int milliseconds_left() const noexcept;
    [[noreturn]] void end_process(int status, const char* why) noexcept;

    const SystemClock clock_;
    int signals_ = -1;  ///< signalfd
    int stop_ = -1;     ///< eventfd
    std::mutex mutex_;
    Handle handle_;             ///< under the mutex
    std::vector<int> waiting_;  ///< under the mutex: came before there was a handle
    std::atomic<Milliseconds> drain_timeout_{Milliseconds(0)};
    int times_told_ = 0;               ///< this thread's own
    std::optional<Instant> end_at_{};  ///< this thread's own
    std::thread thread_;
};

}  // namespace sluicegate::app
