#pragma once
/// Something that happened, told from one thread to another: a test holds a scripted upstream back
/// with it, or hears that the upstream got somewhere.
///
/// Threads  any. Raised once, it stays raised.

#include "support/deadline.hpp"

#include <condition_variable>
#include <mutex>

namespace sluicegate::support {

class Signal {
public:
    void raise() {
        const std::scoped_lock lock(mutex_);
        is_raised_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool is_raised() const {
        const std::scoped_lock lock(mutex_);
        return is_raised_;
    }
    /// False when the deadline passed first.
    [[nodiscard]] bool wait(Deadline deadline = Deadline()) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_until(lock, deadline.at(), [this] { return is_raised_; });
    }

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool is_raised_ = false;
};

}  // namespace sluicegate::support
