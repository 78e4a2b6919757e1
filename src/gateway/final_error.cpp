#include "gateway/final_error.hpp"

#include "gateway/limit_fields.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::gateway {
namespace {

/// What is full is not full for long.
constexpr Milliseconds place_wait_max{1000};

/// The higher, the more it helps to be told.
int usefulness_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::upstream_rate_limited: return 6;
        case ErrorKind::upstream_overloaded:
        case ErrorKind::no_upstream: return 5;
        case ErrorKind::upstream_unreachable:
        case ErrorKind::upstream_closed:
        case ErrorKind::upstream_failed:
        case ErrorKind::upstream_bad_response: return 4;
        case ErrorKind::upstream_connect_timeout: return 3;
        case ErrorKind::upstream_timeout:
        case ErrorKind::upstream_idle_timeout:
        case ErrorKind::upstream_total_timeout: return 2;
        default: return 1;
    }
}

bool is_better(const Error& error, const Error& than) noexcept {
    const int here = usefulness_of(error.kind);
    const int there = usefulness_of(than.kind);
    if (here != there) return here > there;
    return error.kind == ErrorKind::upstream_rate_limited && error.retry_after < than.retry_after;
}

std::string text_of(Milliseconds time) {
    return std::to_string(time.count()) + " ms";
}

}  // namespace

void FinalError::note(Error&& error) {
    if (!details_.empty()) details_ += "; ";
    details_ += error.detail;
    if (!best_ || is_better(error, *best_)) best_ = std::move(error);
}

Error FinalError::take(const Untried& untried) && {
    // Who hears of a wait this long does not come back by itself: then a failure that may be gone
    // in a moment is the better news.
    const bool is_hopeless =
        untried.quota_wait > sdk_wait_max && best_ &&
        usefulness_of(best_->kind) >= usefulness_of(ErrorKind::upstream_closed);
    if (untried.quota_wait && !is_hopeless) {
        note({.kind = ErrorKind::upstream_rate_limited,
              .detail = "cooling down for " + text_of(*untried.quota_wait),
              .subject = {},
              .retry_after = *untried.quota_wait});
    } else if (!best_) {
        note({.kind = ErrorKind::no_upstream,
              .detail = untried.is_full ? "every endpoint is at max_in_flight"
                                        : "no endpoint is left to try",
              .subject = {},
              .retry_after = {}});
    }
    // A place may be free long before a quota is.
    if (untried.is_full) best_->retry_after = std::min(best_->retry_after, place_wait_max);
    best_->detail = std::move(details_);
    return std::move(*best_);
}

}  // namespace sluicegate::gateway
