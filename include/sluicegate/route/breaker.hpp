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
/// A refusal (Outcome::refused) may be the request's doing. It counts as a failure at first, but
/// for refusal_grace it opens nothing. settle_refusal() takes it back where another endpoint
/// refused the same request in the same way, if others have succeeded here within the window.
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
#include <vector>

namespace sluicegate::route {

class Breaker {
public:
    enum class State : std::uint8_t { closed, open, half_open };

    struct Transition {
        State to = State::closed;
        /// "connect failed 3 times in a row", "6 of 10 requests failed in 10s"
        std::string reason;
    };

    /// So long a refusal that is not settled opens nothing.
    static constexpr Milliseconds refusal_grace{1000};

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

    /// What became of a refusal that was reported at `reported_at`: whether another endpoint
    /// refused the same request in the same way. Call it once for each.
    std::optional<Transition> settle_refusal(Instant reported_at, bool is_of_request, Instant now);

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
    std::optional<Transition> judge_window(Instant now);
    void note_refusal(Instant now);
    void take_back(Instant counted_at) noexcept;
    Transition open(std::string reason, Instant now);

    std::atomic<Phase> phase_{Phase::closed};
    std::atomic<std::uint32_t> connect_failures_{0};  ///< in a row
    std::atomic<Instant::rep> open_until_{0};
    std::atomic<Instant::rep> step_span_{1};  ///< a tenth of the window
    /// By step modulo `steps`: the step (20 bits), its requests (22) and failures (22).
    std::array<std::atomic<std::uint64_t>, steps> window_{};

    std::atomic<Instant::rep> last_success_{0};  ///< to a tenth of the window; 0: none

    mutable std::mutex mutex_;
    config::BreakerSettings settings_;
    std::vector<Instant> refusals_;  ///< of the window, not settled yet; the oldest first
    unsigned times_in_vain_ = 0;     ///< openings since it was last closed for a window
    std::optional<Instant> closed_at_;
};

}  // namespace sluicegate::route
