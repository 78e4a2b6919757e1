#pragma once
/// All deadlines of one worker, with one coarse timer.
///
/// A wheel of buckets, each one tick wide. Arming, moving and disarming a deadline is a store and
/// at most one list operation. An entry is checked again only when its bucket is due, and then
/// moves to the bucket where it belongs.
///
/// Precision  a deadline fires within one tick after it is due, never earlier.
/// Threads    one: the worker's.

#include "sluicegate/base/clock.hpp"

#include <boost/intrusive/list.hpp>

#include <array>
#include <cstddef>

namespace sluicegate::net {

class Deadlines;

/// One deadline. Its owner must outlive it; it must not outlive the Deadlines.
class Deadline : public boost::intrusive::list_base_hook<
                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    using Fire = void (*)(void* owner) noexcept;

    /// `fire(owner)` runs from Deadlines::tick(); it may arm this deadline again, and it may
    /// destroy other deadlines, but not this one.
    Deadline(Deadlines& wheel, void* owner, Fire fire) noexcept
        : wheel_(wheel), owner_(owner), fire_(fire) {}
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    void arm(Instant at) noexcept;
    /// Due `timeout` after now, without a look at the clock: up to one tick later, never earlier.
    void arm_in(Milliseconds timeout) noexcept;
    void disarm() noexcept { at_ = Instant::max(); }
    [[nodiscard]] bool is_armed() const noexcept { return at_ != Instant::max(); }

private:
    friend class Deadlines;
    Deadlines& wheel_;
    void* owner_;
    Fire fire_;
    Instant at_ = Instant::max();
    Instant bucket_at_ = Instant::max();
};

class Deadlines {
public:
    static constexpr Milliseconds tick_length{50};

    explicit Deadlines(Instant start) noexcept : now_(start) {}
    Deadlines(const Deadlines&) = delete;
    Deadlines& operator=(const Deadlines&) = delete;

    /// Fires everything that is due. Call about once per tick_length; a late call catches up.
    void tick(Instant now) noexcept;

    /// The time of the last tick, at most about one tick_length ago.
    [[nodiscard]] Instant now() const noexcept { return now_; }

private:
    friend class Deadline;
    using Bucket = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;
    static constexpr std::size_t bucket_count = 256;

    void place(Deadline& deadline) noexcept;
    [[nodiscard]] Bucket& bucket_of(Instant at) noexcept;

    Instant now_;
    std::array<Bucket, bucket_count> buckets_;
};

}  // namespace sluicegate::net
