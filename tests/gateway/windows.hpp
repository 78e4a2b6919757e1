#pragma once
/// Whether a limit was kept, judged from outside: by when requests left their clients and when they
/// reached the upstream.

#include "support/deadline.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sluicegate::support {

struct AdmittedRequest {
    std::chrono::steady_clock::time_point sent;     ///< before the gateway decided
    std::chrono::steady_clock::time_point arrived;  ///< after it
};

/// The most requests that some window holds for certain: sent after its beginning, and at the
/// upstream before its end. `slack` for the gateway's clock, which counts whole milliseconds.
[[nodiscard]] inline std::size_t most_in_a_window(const std::vector<AdmittedRequest>& all,
                                                  milliseconds window,
                                                  milliseconds slack = milliseconds(1)) {
    std::size_t most = 0;
    for (const AdmittedRequest& first : all) {
        const auto end = first.sent + window - slack;
        const auto inside =
            std::count_if(all.begin(), all.end(), [&](const AdmittedRequest& other) {
                return other.sent >= first.sent && other.arrived < end;
            });
        most = std::max(most, static_cast<std::size_t>(inside));
    }
    return most;
}

}  // namespace sluicegate::support
