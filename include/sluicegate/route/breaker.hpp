#pragma once
/// The circuit breaker of one endpoint: it opens when too many requests fail there.
///
///   closed ──(too many failures)──► open ──(open_for is over)──► half-open
///     ▲                              ▲                             │  │
///     │                              └──(a probe fails: longer)────┘  │
///     └──(a probe succeeds)───────────────────────────────────────────┘
///
/// It opens after BreakerSettings::connect_failures in a row. It also opens when requests_min
/// requests of a window include error_percent failures, at least two: one stray failure never opens
/// it. Answers that concern the caller or the account never count as failures.
///
/// Threads   any number. While it is closed, a success costs two relaxed loads and one atomic
///           addition. A mutex guards failures, and everything while it is not closed.
/// Time      handed in; a clock that steps back only delays.
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
        /// "connect failed 3 times in a row", "6 of 10 requests failed in 10s"
        std::string reason;
    };

    explicit Breaker(const config::BreakerSettings& settings);
    /// Keeps the state; counts begin anew if the window has another length.
    void configure(const config::BreakerSettings& settings);

    /// Closed, or half-open while no probe is on its way.
    [[nodiscard]] bool allows(Instant now) const noexcept;
    /// Takes the one probe that a half-open breaker allows. An attempt that got it reports as
    /// AttemptKind::probe.
    [[nodiscard]] bool take_probe(Instant now);

    /// How an attempt of this kind ended. After a probe that was abandoned or met a 429, another
    /// probe may go. The success of a probe or of a last resort closes the breaker. An attempt that
    /// began before the breaker opened changes nothing.
    std::optional<Transition> report(Outcome outcome, AttemptKind kind, Instant now);

    [[nodiscard]] State state(Instant now) const noexcept;
    [[nodiscard]] bool is_closed() const noexcept {
        return phase_.load(std::memory_order_relaxed) == Phase::closed;
    }
    /// When the next probe may go. It means nothing unless the breaker is open.
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
    unsigned times_in_vain_ = 0;  ///< openings since it was last closed for a window
    std::optional<Instant> closed_at_;
};

}  // namespace sluicegate::route
