#pragma once
/// Counts the requests that one endpoint has in flight, up to a maximum.
///
/// Threads   any number; one atomic each way.
/// Law       in_flight() never exceeds a maximum that was set before the requests came. After the
///           maximum was lowered, no slot is taken until enough were given back.

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

namespace sluicegate::route {

class Slots {
public:
    /// Absent: unlimited.
    explicit Slots(std::optional<std::uint32_t> max = std::nullopt) noexcept
        : max_(max.value_or(unlimited)) {}

    [[nodiscard]] bool try_take() noexcept {
        const std::uint32_t max = max_.load(std::memory_order_relaxed);
        if (max == unlimited) {
            in_flight_.fetch_add(1, std::memory_order_seq_cst);
            return true;
        }
        // Sequentially consistent together with WaitQueue::length(): see UpstreamHandle::release.
        std::uint32_t taken = in_flight_.load(std::memory_order_seq_cst);
        while (taken < max) {
            if (in_flight_.compare_exchange_weak(taken, taken + 1, std::memory_order_seq_cst)) {
                return true;
            }
        }
        return false;
    }
    void give_back() noexcept { in_flight_.fetch_sub(1, std::memory_order_seq_cst); }

    [[nodiscard]] bool is_full() const noexcept {
        return in_flight() >= max_.load(std::memory_order_relaxed);
    }
    /// More are in flight than the maximum allows, because it was lowered.
    [[nodiscard]] bool is_over() const noexcept {
        return in_flight() > max_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint32_t in_flight() const noexcept {
        return in_flight_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::optional<std::uint32_t> max() const noexcept {
        const std::uint32_t max = max_.load(std::memory_order_relaxed);
        return max == unlimited ? std::nullopt : std::optional(max);
    }
    void set_max(std::optional<std::uint32_t> max) noexcept {
        max_.store(max.value_or(unlimited), std::memory_order_relaxed);
    }

private:
    static constexpr std::uint32_t unlimited = std::numeric_limits<std::uint32_t>::max();

    std::atomic<std::uint32_t> in_flight_{0};
    std::atomic<std::uint32_t> max_;
};

}  // namespace sluicegate::route
