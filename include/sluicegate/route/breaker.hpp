#pragma once
/// Whether an endpoint is left alone for a while because of what requests met there.
///
///   closed ──(too many failures)──► open ──(open_for is over)──► half-open ──(a probe succeeds)──►
///   closed
///                                    ▲                               │
///                                    └──(a probe fails: twice as long)
///
/// It opens after BreakerSettings::connect_failures in a row, or once requests_min requests of a
/// window hold error_percent failures, of which there are at least two: one stray failure never
/// opens it. Answers that are the caller's or the account's matter never do.
///
/// Threads   any number; while it is closed a success costs two relaxed loads and one atomic
///           addition. A mutex guards failures and everything while it is not closed.
/// Time      handed in; may step back, which only delays.
/// Source    docs/routing.md

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/route/health.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace sluicegate::route {

class Breaker {
public:
    enum class State : std::uint8_t { closed, open, half_open };

    struct Transition {
        State to = State::closed;
        std::string
            reason;  ///< "connect failed 3 times in a row", "6 of 10 requests failed in 10s"
    };

    explicit Breaker(const config::BreakerSettings& settings);
    /// Keeps the state; counts begin anew if the window has another length.
    void configure(const config::BreakerSettings& settings);

    /// Closed, or half-open with no probe on its way.
    [[nodiscard]] bool allows(Instant now) const noexcept;
    /// Takes the one place of a half-open breaker. Whoever got it reports with AttemptKind::probe.
    [[nodiscard]] bool take_probe(Instant now);

    /// How a request ended that went there under the terms of `kind`. A probe that was abandoned,
    /// or met a 429, leaves its place to the next; another success closes the breaker, and so does
    /// one of a last resort. What began before it opened no longer changes anything.
    std::optional<Transition> report(Outcome outcome, AttemptKind kind, Instant now);

    [[nodiscard]] State state(Instant now) const noexcept;
    [[nodiscard]] bool is_closed() const noexcept {
        return phase_.load(std::memory_order_relaxed) == Phase::closed;
    }
    /// When the next probe may go; in the past, or meaningless, unless open.
    [[nodiscard]] Instant open_until() const noexcept;

private:
    enum class Phase : std::uint8_t { closed, open, probing };
    static constexpr std::size_t steps = 10;  ///< the window slides by tenths

    struct WindowCounts {
        std::uint64_t requests = 0;
        std::uint64_t failures = 0;
    };

    void count(bool is_failure, Instant now) noexcept;
    [[nodiscard]] WindowCounts counts_of_window(Instant now) const noexcept;
    void forget_counts() noexcept;
    [[nodiscard]] std::int64_t step_of(Instant now) const noexcept;
    std::optional<Transition> judge_failure(Outcome outcome, Instant now);
    Transition open(std::string reason, Instant now);

    std::atomic<Phase> phase_{Phase::closed};
    std::atomic<std::uint32_t> connect_failures_{0};  ///< in a row
    std::atomic<Instant::rep> open_until_{0};
    std::atomic<Instant::rep> step_span_{1};  ///< a tenth of the window
    /// By step modulo `steps`: the step (20 bits), its requests (22) and failures (22).
    std::array<std::atomic<std::uint64_t>, steps> window_{};

    mutable std::mutex mutex_;
    config::BreakerSettings settings_;
    unsigned times_in_vain_ = 0;  ///< openings since it was last well for a window
    std::optional<Instant> closed_at_;
};

}  // namespace sluicegate::route
