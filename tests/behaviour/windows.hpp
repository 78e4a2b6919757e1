#pragma once
/// Whether a limit was kept, judged from outside: by when requests left their clients and when they
/// reached the upstream.

#include "support/deadline.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace sluicegate::support {

struct AdmittedRequest {
    std::chrono::steady_clock::time_point sent;     ///< before the gateway decided
    std::chrono::steady_clock::time_point arrived;  ///< after it
    std::int64_t cost = 1;
};

/// The most that requests cost together in some window, for certain: sent after its beginning, and
/// at the upstream before its end. `slack` for the gateway's clock, which counts whole
/// milliseconds.
[[nodiscard]] inline std::int64_t most_in_a_window(const std::vector<AdmittedRequest>& all,
                                                   milliseconds window,
                                                   milliseconds slack = milliseconds(1)) {
    std::int64_t most = 0;
    for (const AdmittedRequest& first : all) {
        const auto end = first.sent + window - slack;
        std::int64_t sum = 0;
        for (const AdmittedRequest& other : all) {
            if (other.sent >= first.sent && other.arrived < end) sum += other.cost;
        }
        most = std::max(most, sum);
    }
    return most;
}

}  // namespace sluicegate::support
