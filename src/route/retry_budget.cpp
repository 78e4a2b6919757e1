#include "sluicegate/route/retry_budget.hpp"

#include <algorithm>
#include <chrono>

namespace sluicegate::route {
namespace {

constexpr std::int64_t one_retry = 100;  ///< a request saves as many as its percentage
constexpr Instant::rep second = Instant::duration(std::chrono::seconds(1)).count();

}  // namespace

RetryBudget::RetryBudget(const config::Retries& retries) noexcept
    : percent_(retries.budget_percent), minimum_(retries.minimum), saved_(0) {
}

void RetryBudget::configure(const config::Retries& retries) noexcept {
    percent_.store(retries.budget_percent, std::memory_order_relaxed);
    minimum_.store(retries.minimum, std::memory_order_relaxed);
}

void RetryBudget::request() noexcept {
    if (saved_.load(std::memory_order_relaxed) >= saved_max * one_retry) return;
    saved_.fetch_add(percent_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

bool RetryBudget::try_retry(Instant now) noexcept {
    const unsigned minimum = minimum_.load(std::memory_order_relaxed);
    if (minimum != 0) {
        // A turn is due every 1/minimum of a second; the turns of one second may be taken at once.
        const Instant::rep at = now.time_since_epoch().count();
        const Instant::rep each = std::max<Instant::rep>(1, second / minimum);
        Instant::rep next = next_free_.load(std::memory_order_relaxed);
        for (;;) {
            // This is further ahead than turns can be: the clock has stepped back.
            const Instant::rep due = next > at + 2 * second ? at : std::max(next, at);
            if (due + each > at + second) break;
            if (next_free_.compare_exchange_weak(next, due + each, std::memory_order_relaxed)) {
                return true;
            }
        }
    }
    std::int64_t saved = saved_.load(std::memory_order_relaxed);
    while (saved >= one_retry) {
        if (saved_.compare_exchange_weak(saved, saved - one_retry, std::memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

}  // namespace sluicegate::route
