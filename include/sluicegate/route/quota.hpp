#pragma once
/// What one account of a provider grants for one model: whether it refused, and whether it would
/// refuse a request now.
///
/// Cooling is a fact: the provider answered 429 and said for how long. No request is sent until
/// that is over. Pacing is a prediction from its x-ratelimit-* fields: a request that would not fit
/// goes elsewhere if another candidate can take it.
///
/// A bucket refills continuously, as OpenAI's do: (limit - remaining) in `reset`. Requests that
/// were sent after a request are deducted from the report that its answer carries, so that a late
/// report never hides newer requests. The prediction is low by no more than what was sent or
/// refilled between request and report, until the next report: law R6 says when.
///
/// Threads   any number. availability() reads a few atomics; sent() and report() take a mutex once
///           the provider has reported anything.
/// Units     tokens of the model; requests count as 1.
/// Source    docs/routing.md

#include "sluicegate/base/clock.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

namespace sluicegate::route {

/// What the fields of one answer say. 0 where they do not say it: the limit is then taken from
/// earlier reports, and the reset as one second.
struct QuotaReport {
    struct Allowance {
        std::int64_t limit = 0;
        std::int64_t remaining = 0;
        Milliseconds reset{0};  ///< until it is fully replenished
    };
    std::optional<Allowance> requests = std::nullopt;
    std::optional<Allowance> tokens = std::nullopt;
};

class Quota {
public:
    static constexpr Milliseconds wait_max = std::chrono::hours(24);

    /// All that had been sent when a request was sent, this request included.
    struct SentTotal {
        std::int64_t requests = 0;
        std::int64_t tokens = 0;
    };
    struct Availability {
        enum Kind : std::uint8_t { ok, paced, cooling };
        Kind kind = ok;
        Milliseconds wait{0};  ///< until it would be ok, at least 1 ms; 0 if it is ok now
    };
    /// For /status.
    struct Status {
        std::optional<Instant> cooling_until = std::nullopt;  ///< absent: not cooling
        /// Absent: never reported. `remaining` is of now, never below 0.
        std::optional<QuotaReport::Allowance> requests = std::nullopt;
        std::optional<QuotaReport::Allowance> tokens = std::nullopt;
    };

    /// A request of `tokens` (estimated) is about to be sent.
    [[nodiscard]] SentTotal sent(std::int64_t tokens, Instant now);
    /// The request that has this total could not be sent after all.
    void unsent(const SentTotal& sent, std::int64_t tokens, Instant now);
    /// Its answer carried such fields. A total older than that of an earlier report: no effect.
    void report(const QuotaReport& report, const SentTotal& sent, Instant now);

    /// It was refused: a 429. With a wait, nothing is sent until that is over. Without one (0) the
    /// first two in a row do nothing, the third cools for a second, doubled each time up to 30; a
    /// request of more tokens than the account has in all is its caller's own matter.
    /// The time for which this has begun to cool, for the log; nothing if it was cooling already.
    std::optional<Milliseconds> refused(std::int64_t tokens, Milliseconds wait, Instant now);
    /// It was answered.
    void accepted() noexcept;

    /// Whether a request of `tokens` would be refused now.
    [[nodiscard]] Availability availability(std::int64_t tokens, Instant now) const noexcept;

    [[nodiscard]] Status status(Instant now) const;

private:
    /// Empties by what is sent; `full_at` says when it will have refilled, and thereby how empty it
    /// is. A reader may see a report half written: its prediction is off once.
    struct Bucket {
        std::atomic<std::int64_t> limit{0};  ///< 0: never reported
        std::atomic<double> ns_each{0};      ///< to refill one
        std::atomic<Instant::rep> full_at{0};
        std::atomic<Instant::rep> known_until{0};  ///< without another report

        void take(std::int64_t count, Instant now) noexcept;
        void learn(const QuotaReport::Allowance& allowance, std::int64_t sent_since,
                   Instant now) noexcept;
        [[nodiscard]] Milliseconds wait_for(std::int64_t count, Instant now) const noexcept;
        [[nodiscard]] std::optional<QuotaReport::Allowance> shown(Instant now) const noexcept;
    };

    std::atomic<Instant::rep> cooling_until_{0};
    std::atomic<std::uint32_t> refusals_{0};  ///< in a row, without a wait
    std::atomic<bool> has_learned_{false};

    mutable std::mutex mutex_;
    Bucket requests_;
    Bucket tokens_;
    SentTotal total_;     ///< sent since the first report
    SentTotal reported_;  ///< of the latest report
};

}  // namespace sluicegate::route
