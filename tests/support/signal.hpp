#pragma once
/// An event that one thread reports to another: a test holds a scripted upstream back with it, or
/// waits until the upstream has reached a step.
///
/// Threads    any. Raised once, it stays raised.
/// Ownership  a handle: copies are the same signal, so a script may outlive the test's own.

#include "support/deadline.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>

namespace sluicegate::support {

class Signal {
public:
    void raise() const {
        const std::scoped_lock lock(state_->mutex);
        state_->is_raised = true;
        state_->changed.notify_all();
    }
    [[nodiscard]] bool is_raised() const {
        const std::scoped_lock lock(state_->mutex);
        return state_->is_raised;
    }
    /// False if the deadline passed first.
    [[nodiscard]] bool wait(Deadline deadline = Deadline()) const {
        std::unique_lock lock(state_->mutex);
        return state_->changed.wait_until(lock, deadline.at(),
                                          [this] { return state_->is_raised; });
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        bool is_raised = false;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace sluicegate::support
