#pragma once
/// Waiting for what gives no sign of its own: a count, a number of descriptors, the end of a span
/// that the gateway itself named.

#include "support/deadline.hpp"

#include <thread>

namespace sluicegate::support {

/// Asks again and again until it holds; false when the deadline passed first.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate holds, Deadline deadline = Deadline()) {
    while (!holds()) {
        if (deadline.has_passed()) return false;
        std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
}

/// For promises that are about time itself: "come back in so many milliseconds".
inline void let_time_pass(milliseconds span) {
    std::this_thread::sleep_for(span);
}

}  // namespace sluicegate::support
