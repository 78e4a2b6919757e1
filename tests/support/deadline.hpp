#pragma once
/// A point in time after which a test stops waiting and fails.
///
/// Tests wait for events, never for time to pass: the deadline is generous and is only met when
/// something is broken.

#include <algorithm>
#include <chrono>
#include <limits>

namespace sluicegate::support {

using std::chrono::milliseconds;

/// How long an event that must happen may take on a slow machine under a sanitizer.
inline constexpr milliseconds patience{15'000};

class Deadline {
public:
    explicit Deadline(milliseconds from_now = patience)
        : at_(std::chrono::steady_clock::now() + from_now) {}

    [[nodiscard]] bool has_passed() const { return std::chrono::steady_clock::now() >= at_; }
    [[nodiscard]] std::chrono::steady_clock::time_point at() const { return at_; }
    /// What is left, rounded up, for poll(2); 0 when it has passed.
    [[nodiscard]] int poll_timeout() const {
        const auto left = std::chrono::ceil<milliseconds>(at_ - std::chrono::steady_clock::now());
        return static_cast<int>(
            std::clamp<milliseconds::rep>(left.count(), 0, std::numeric_limits<int>::max()));
    }

private:
    std::chrono::steady_clock::time_point at_;
};

}  // namespace sluicegate::support
