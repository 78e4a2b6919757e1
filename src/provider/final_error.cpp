#include "sluicegate/provider/final_error.hpp"

#include "sluicegate/base/failure_table.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::provider {
namespace {

/// An endpoint that is full is not full for long.
constexpr Milliseconds slot_wait_max{1000};

Usefulness usefulness_of(const Error& error) noexcept {
    return failure_row(error.kind).attempt.usefulness;
}

bool is_better(const Error& error, const Error& than) noexcept {
    const Usefulness here = usefulness_of(error);
    const Usefulness there = usefulness_of(than);
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
    // A client that is told to wait so long does not come back by itself. A failure that may be
    // gone in a moment is better news.
    const bool is_hopeless =
        untried.quota_wait > sdk_wait_max && best_ && usefulness_of(*best_) >= Usefulness::broken;
    if (untried.quota_wait && !is_hopeless) {
        note({.kind = ErrorKind::upstream_rate_limited,
              .detail = "cooling down for " + text_of(*untried.quota_wait),
              .subject = {},
              .retry_after = *untried.quota_wait});
    } else if (!best_ || (untried.is_full && usefulness_of(*best_) < Usefulness::overloaded)) {
        note({.kind = ErrorKind::no_upstream,
              .detail = untried.is_full ? "every endpoint is at max_in_flight"
                                        : "no endpoint is left to try",
              .subject = {},
              .retry_after = {}});
    }
    // A slot may be free long before a quota is.
    if (untried.is_full) best_->retry_after = std::min(best_->retry_after, slot_wait_max);
    best_->detail = std::move(details_);
    return std::move(*best_);
}

Error FinalError::take_refusal(Error&& last) && {
    if (last.names_request) {
        last.kind = ErrorKind::upstream_rejected;
    } else if (last.kind == ErrorKind::upstream_failed) {
        last.kind = ErrorKind::upstream_refused;
    }
    details_ += "; ";
    details_ += last.detail;
    last.detail = std::move(details_);
    return std::move(last);
}

}  // namespace sluicegate::provider
