#pragma once
/// The way of one request through its model's candidates: which endpoint is tried next.
///
/// A candidate is an entry of the route and one endpoint of its upstream. Offered are, first, those
/// that can take the request now; then those whose provider would probably refuse it (Quota); then
/// those that are unwell: something that may fail is better than nothing. In each of these classes
/// the entry whose turn it is comes first, then the others with a weight, those without, the
/// fallback in its order. Never offered: what is full, what cools after a 429, what a ceiling
/// refused, and what has failed this request already.
///
/// Use        next() until it offers nothing; tell how each step ended before the next one.
/// Threads    one request, one thread at a time. The route must outlive it and its leases.
/// Memory     allocates once something was refused or has failed, not before.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/route/model_route.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluicegate::route {

/// What a walk needs to know of its request.
struct Ask {
    std::int64_t tokens = 0;                               ///< estimated, of prompt and answer
    std::uint64_t user = 0;                                ///< evenly distributed
    std::optional<std::uint64_t> affinity = std::nullopt;  ///< of the first bytes of its messages
    std::uint32_t random = 0;                              ///< evenly distributed
};

class Walk {
public:
    struct Step {
        enum Kind : std::uint8_t {
            send,     ///< to the endpoint of `lease`
            wait,     ///< in the line of this entry's upstream: line_up(), then waited()
            nothing,  ///< left() says why
        };
        Kind kind = nothing;
        std::size_t entry = 0;  ///< index into ModelRoute::entries()
        Lease lease;
    };

    /// Why nothing is left.
    struct Left {
        /// A provider refuses, or a ceiling does: a later request would be taken.
        bool is_cooling = false;
        Milliseconds wait{0};  ///< the shortest of those; 0: not known
        bool is_full = false;  ///< an endpoint is at its max_in_flight
    };

    /// `attempts_max`: steps `send` in all that are followed.
    Walk(const ModelRoute& route, const Ask& ask, unsigned attempts_max) noexcept
        : route_(route), ask_(ask), attempts_max_(attempts_max) {}

    [[nodiscard]] Step next(Instant now);

    /// After `send`: a configured ceiling does not let the request through to this entry for
    /// `wait`. The attempt does not count.
    void refused_by_ceiling(Milliseconds wait);
    /// After `send`: the attempt failed and another may be made. An endpoint that could not even be
    /// reached is not tried again, whatever the model; otherwise it is not for the same model. A
    /// 429 with a wait holds for everything that shares the account. `wait`: what the answer asked
    /// for.
    void failed(Outcome outcome, bool is_connection_level, Milliseconds wait);

    /// After `wait`: a place in the entry's line, until its queue_timeout(); false if it filled up.
    [[nodiscard]] Place line_up(WaitingLine::Wake wake, Instant now);
    /// After line_up(): a slot was granted, or the time is over. What comes next; never the same
    /// line again.
    [[nodiscard]] Step waited(Place place, Instant now);

    /// The entry of the latest step: index into ModelRoute::entries().
    [[nodiscard]] std::size_t entry() const noexcept { return entry_; }
    /// The entry whose turn it was; after the first next().
    [[nodiscard]] std::size_t first() const noexcept { return *first_; }
    /// After `nothing`.
    [[nodiscard]] Left left() const noexcept;

private:
    enum class Class : std::uint8_t { available, paced, unwell };
    /// What this walk knows of one entry.
    struct Mark {
        std::uint64_t tried = 0;  ///< bit i: endpoint i
        bool is_out = false;
        bool has_waited = false;
    };

    Step try_entry(std::size_t index, Class wanted, Instant now);
    std::optional<Lease> take(const Entry& entry, std::uint64_t tried, Class wanted, Instant now,
                              bool& is_full) const;
    std::optional<Lease> take_one(UpstreamState& upstream, std::size_t endpoint, Class wanted,
                                  Instant now) const;
    Step offer(std::size_t index, Lease lease);
    Mark& mark(std::size_t index);
    void note_wait(Milliseconds wait) noexcept;

    const ModelRoute& route_;
    Ask ask_;
    unsigned attempts_max_;
    unsigned attempts_ = 0;
    std::optional<std::size_t> first_;  ///< the entry whose turn it was
    std::size_t entry_ = 0;             ///< of the latest step
    std::size_t endpoint_ = 0;
    std::vector<Mark> marks_;  ///< by entry; empty until needed
    Left refused_;             ///< by ceilings and answers
    Left left_;                ///< as next() found it
};

}  // namespace sluicegate::route
