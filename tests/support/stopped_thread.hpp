#pragma once
/// One thread of another process, stopped by ptrace(2) as if it hung; the other threads go on.
///
/// Needs      the right to trace the process: root has it, and its parent if the daemon runs with
///            --core-dumps, as that of the tests does. Without the right is_stopped() is false.
/// End        the thread goes on when this object is destroyed, if its process still lives.
/// Threads    one of its own, because the kernel lets one thread alone command what it traces.

#include <atomic>
#include <future>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <thread>

namespace sluicegate::support {

class StoppedThread {
public:
    /// `name` as in /proc/PID/task/TID/comm; "" is the main thread.
    StoppedThread(pid_t process, std::string_view name);
    StoppedThread(const StoppedThread&) = delete;
    StoppedThread& operator=(const StoppedThread&) = delete;
    ~StoppedThread();

    [[nodiscard]] bool is_stopped() const { return is_stopped_; }

private:
    void hold(pid_t process, pid_t thread, std::promise<bool> stopped);

    std::atomic<bool> should_release_{false};
    bool is_stopped_ = false;
    std::thread tracer_;
};

}  // namespace sluicegate::support
