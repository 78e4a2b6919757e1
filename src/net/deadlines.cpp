#include "sluicegate/net/deadlines.hpp"

#include <algorithm>

namespace sluicegate::net {

void Deadline::arm(Instant at) noexcept {
    at_ = at;
    // An entry that waits in an earlier bucket is moved when that bucket comes round.
    if (is_linked() && bucket_at_ <= at) return;
    unlink();
    wheel_.place(*this);
}

void Deadline::arm_in(Milliseconds timeout) noexcept {
    arm(wheel_.now_ + Deadlines::tick_length + timeout);
}

void Deadlines::place(Deadline& deadline) noexcept {
    const Instant horizon = now_ + tick_length * static_cast<int>(bucket_count - 1);
    deadline.bucket_at_ = std::clamp(deadline.at_, now_ + tick_length, horizon);
    bucket_of(deadline.bucket_at_).push_back(deadline);
}

Deadlines::Bucket& Deadlines::bucket_of(Instant at) noexcept {
    const auto ticks = static_cast<std::size_t>(at.time_since_epoch() / tick_length);
    return buckets_[ticks % bucket_count];
}

void Deadlines::tick(Instant now) noexcept {
    if (now <= now_) return;
    const Instant from = now_;
    now_ = now;

    // A bucket is visited when it has passed completely, or is the current one. Entries that are
    // not due yet are moved.
    const auto span = (now - from) / tick_length + 2;
    const auto visits = std::min<std::int64_t>(span, bucket_count);
    for (std::int64_t i = 0; i < visits; ++i) {
        Bucket passed;
        passed.swap(bucket_of(from + tick_length * static_cast<int>(i)));
        while (!passed.empty()) {
            Deadline& deadline = passed.front();
            passed.pop_front();
            if (deadline.at_ <= now) {
                deadline.disarm();
                deadline.fire_(deadline.owner_);
            } else if (deadline.is_armed()) {
                place(deadline);
            }
        }
    }
}

}  // namespace sluicegate::net
