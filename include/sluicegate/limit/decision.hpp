#pragma once
/// A decision about one request, and what is left: everything that an answer says about limits.

#include "sluicegate/base/clock.hpp"

#include <cstdint>
#include <string_view>

namespace sluicegate::limit {

enum class Resource : std::uint8_t {
    none,
    requests,
    tokens,
    requests_per_day,
    tokens_per_day,
    concurrency
};

/// As the configuration names the limit; "none" for none.
constexpr std::string_view name_of(Resource resource) noexcept {
    switch (resource) {
        case Resource::none: break;
        case Resource::requests: return "rpm";
        case Resource::tokens: return "tpm";
        case Resource::requests_per_day: return "rpd";
        case Resource::tokens_per_day: return "tpd";
        case Resource::concurrency: return "concurrency";
    }
    return "none";
}

/// What is used and left of one limit. A request that was just admitted is counted already.
struct Budget {
    std::int64_t limit = 0;
    std::int64_t remaining = 0;  ///< never below 0
    std::int64_t used = 0;       ///< may be above the limit: a lowered one, debt, or a dry run
    Milliseconds reset{0};       ///< until all of it is free again if nothing else arrives
    bool is_limited = false;     ///< false: no such limit in the plan; the other fields are 0
    bool is_dry_run = false;     ///< the limit only reports
};

struct Budgets {
    Budget requests;
    Budget tokens;
    Budget requests_per_day;
    Budget tokens_per_day;
    Budget concurrency;  ///< its reset is 0: when a request ends is not known
};

struct Decision {
    bool admitted = false;
    /// What refused; where several do, the one to wait for longest. none when admitted.
    Resource refused_by = Resource::none;
    /// A limit in dry run that would have refused this request, whether it was admitted or not.
    /// Where several would, the one to wait for longest; before all others, one that can never fit.
    Resource would_refuse = Resource::none;
    /// The request will never be admitted under this plan: a limit is 0, or the tokens stated
    /// exceed the limit. retry_after is then 0 and means nothing.
    bool can_never_fit = false;
    /// Law L3: the same request is admitted after exactly this time if nothing else arrives, and
    /// not 1 ms earlier. 0 when only concurrency refused: that wait is not known.
    Milliseconds retry_after{0};
    Budget requests;
    Budget tokens;
    Budget requests_per_day;
    Budget tokens_per_day;
    Budget concurrency;
    /// Tokens charged until the real usage is known; 0 when refused.
    std::int64_t reserved = 0;
};

}  // namespace sluicegate::limit
