#pragma once
/// The outcome of asking for a request, and what is left: everything a reply says about limits.

#include "sluicegate/base/clock.hpp"

#include <cstdint>

namespace sluicegate::limit {

enum class Resource : std::uint8_t { none, requests, tokens, concurrency };

/// What is left of one limit, the request just admitted already counted.
struct Budget {
    std::int64_t limit = 0;
    std::int64_t remaining = 0;  ///< never below 0, also when a lowered limit is exceeded
    Milliseconds reset{0};       ///< until it is fully replenished if nothing else arrives
    bool is_limited = false;     ///< false: no such limit in the plan; the other fields are 0
};

struct Budgets {
    Budget requests;
    Budget tokens;
    Budget concurrency;  ///< its reset is 0: nobody knows when a request ends
};

struct Decision {
    bool admitted = false;
    /// What refused; where several do, the one to wait for longest. none when admitted.
    Resource refused_by = Resource::none;
    /// The request will never be admitted under this plan: a limit is 0, or the tokens stated
    /// exceed the limit. retry_after is then 0 and means nothing.
    bool can_never_fit = false;
    /// Law L3: the same request is admitted after exactly this time if nothing else arrives, and
    /// not 1 ms earlier. 0 when only concurrency refused, because nobody knows.
    Milliseconds retry_after{0};
    Budget requests;
    Budget tokens;
    Budget concurrency;
};

}  // namespace sluicegate::limit
