#pragma once
/// Bounds the attempts that follow a failed one, over all requests: a broken upstream must not get
/// a multiple of the traffic that broke it.
///
/// Law       over any span of T seconds: retries <= percent of the requests + saved_max +
///           minimum * (T + 1).
/// Threads   any number, without locks.
/// Source    docs/routing.md

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/retries.hpp"

#include <atomic>
#include <cstdint>

namespace sluicegate::route {

class RetryBudget {
public:
    /// Retries that quiet times save for a bad one.
    static constexpr std::int64_t saved_max = 100;

    explicit RetryBudget(const config::Retries& retries) noexcept;
    void configure(const config::Retries& retries) noexcept;

    /// Call it once for each request of a client. It writes nothing while the savings are full.
    void request() noexcept;
    /// Whether one more attempt may be made; it is then charged.
    [[nodiscard]] bool try_retry(Instant now) noexcept;

private:
    std::atomic<unsigned> percent_;
    std::atomic<unsigned> minimum_;           ///< per second
    std::atomic<std::int64_t> saved_;         ///< hundredths of a retry
    std::atomic<Instant::rep> next_free_{0};  ///< when the minimum's next turn would be due
};

}  // namespace sluicegate::route
