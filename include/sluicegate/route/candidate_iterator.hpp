#pragma once
/// Offers the candidates of a model to one request, one after the other.
///
/// A candidate is an entry of the route and one endpoint of its upstream. There are three tiers:
/// candidates that can take the request now; candidates whose provider would probably refuse it
/// (Quota); unhealthy candidates, because an attempt that may fail is better than none. In each
/// tier the entry whose turn it is comes first, then the other weighted entries, those without a
/// weight, and the fallback in its order. Never offered are candidates that are full, that cool
/// after a 429, that a ceiling refused, or that have failed this request already. A request with a
/// pin is offered that one endpoint alone.
///
/// Use        call next() until it offers nothing; say how each step ended before the next call.
/// Threads    one request, one thread at a time. The route must outlive it and its leases.
/// Memory     allocates only after a refusal, a failure or a wait.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/route/lease.hpp"
#include "sluicegate/route/model_route.hpp"
#include "sluicegate/route/queue_ticket.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluicegate::route {

/// What the iterator needs to know of its request.
struct RouteQuery {
    std::int64_t tokens = 0;                               ///< estimated, of prompt and answer
    std::uint64_t user = 0;                                ///< evenly distributed
    std::optional<std::uint64_t> affinity = std::nullopt;  ///< of the first bytes of its messages
    std::uint32_t random = 0;                              ///< evenly distributed
    /// UpstreamHandle::pin_of() the endpoint that keeps what the request goes on from; 0: any may
    /// take the request.
    std::uint64_t pin = 0;
};

class CandidateIterator {
public:
    struct Step {
        enum Kind : std::uint8_t {
            send,     ///< to the endpoint of `lease`
            wait,     ///< in the queue of the entry's upstream: join_queue(), then after_wait()
            nothing,  ///< shortage() says why
        };
        Kind kind = nothing;
        std::size_t entry = 0;  ///< index into ModelRoute::entries()
        Lease lease;
    };

    /// Why no candidate is left to offer.
    struct Shortage {
        /// A provider or a ceiling refuses now; it would take a later request.
        bool is_cooling = false;
        Milliseconds wait{0};  ///< the shortest of those; 0: not known
        bool is_full = false;  ///< an endpoint is at its max_in_flight
    };

    /// `attempts_max`: how many steps `send` there may be in all.
    CandidateIterator(const ModelRoute& route, const RouteQuery& query,
                      unsigned attempts_max) noexcept
        : route_(route), query_(query), attempts_max_(attempts_max) {}

    [[nodiscard]] Step next(Instant now);

    /// After `send`: a configured ceiling refuses the request at this entry for `wait`. The attempt
    /// does not count.
    void refused_by_ceiling(Milliseconds wait);
    /// After `send`: the attempt failed, and another may be made. The endpoint is not tried again
    /// for the same model, and if it could not be reached, for no model. A 429 with a wait excludes
    /// every entry that shares the account. `wait`: what the answer asked for.
    void failed(Outcome outcome, bool is_connection_level, Milliseconds wait);

    /// After `send`: the upstream refused the request itself, and another may take it. Its model is
    /// not tried again, at no endpoint.
    void refused();

    /// After `wait`: a ticket for the queue of the entry; false if it is full. A request that has
    /// waited there before goes to the front.
    [[nodiscard]] QueueTicket join_queue(WaitQueue::Wake wake, Instant now);
    /// Until when the request may wait in the queue that it has joined: its queue_timeout() counts
    /// from the first time that the request joined any, so that queues do not add up.
    [[nodiscard]] Instant give_up_at() const noexcept { return may_wait_until(entry_); }
    /// After join_queue(): a slot was granted, or the time is over. What comes next; the same queue
    /// again only after an attempt that failed.
    [[nodiscard]] Step after_wait(QueueTicket ticket, Instant now);

    /// The entry of the latest step: index into ModelRoute::entries().
    [[nodiscard]] std::size_t entry() const noexcept { return entry_; }
    /// The entry whose turn it was; after the first next().
    [[nodiscard]] std::size_t first_choice() const noexcept { return *first_; }
    /// After `nothing`.
    [[nodiscard]] Shortage shortage() const noexcept;

private:
    enum class Tier : std::uint8_t { available, paced, unhealthy };
    /// What this request has done with one entry.
    struct EntryProgress {
        std::uint64_t tried = 0;       ///< bit i: endpoint i
        std::uint64_t comes_back = 0;  ///< of those: could not be reached from the queue
        bool is_excluded = false;
        bool has_waited = false;     ///< in vain, or it found the queue full
        bool is_from_queue = false;  ///< the latest attempt there got its slot in the queue
        bool has_joined = false;     ///< its queue
    };

    [[nodiscard]] Instant may_wait_until(std::size_t index) const noexcept {
        return waiting_since_ + route_.entries()[index].handle->queue_timeout();
    }
    Step try_all(Tier wanted, Instant now);
    Step try_entry(std::size_t index, Tier wanted, Instant now);
    /// `wait` for the first entry whose endpoints are full or, for a request that has waited there,
    /// will be ready again.
    Step try_queues(Instant now);
    /// Bit i: endpoint i of the entry has failed the request, or the pin excludes it.
    [[nodiscard]] std::uint64_t closed_of(std::size_t index) const;
    [[nodiscard]] bool may_wait(std::size_t index, Instant now) const;
    [[nodiscard]] std::size_t nth(std::size_t i) const noexcept;
    std::optional<Lease> take(const RouteEntry& entry, std::uint64_t tried, Tier wanted,
                              Instant now, bool& is_full) const;
    std::optional<Lease> take_one(const UpstreamHandle& upstream, std::size_t endpoint, Tier wanted,
                                  Instant now) const;
    Step offer(std::size_t index, Lease lease);
    EntryProgress& progress_of(std::size_t index);
    void note_wait(Milliseconds wait) noexcept;

    const ModelRoute& route_;
    RouteQuery query_;
    unsigned attempts_max_;
    unsigned attempts_ = 0;
    std::optional<std::size_t> first_;  ///< the entry whose turn it was
    std::size_t entry_ = 0;             ///< of the latest step
    std::size_t endpoint_ = 0;
    std::vector<EntryProgress> progress_;  ///< by entry; empty until needed
    std::optional<std::size_t> full_;      ///< the first entry that next() found full
    bool is_waiting_ = false;              ///< it has joined a queue
    Instant waiting_since_{};              ///< if so
    Shortage refused_;                     ///< by ceilings and answers
    Shortage found_;                       ///< as next() found it
};

}  // namespace sluicegate::route
