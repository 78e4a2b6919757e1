#pragma once
/// How much of the process's memory may be taken by bytes that clients and upstreams send: one
/// budget for all workers.
///
/// Counted   what grows with traffic: heads and bodies of requests that do not fit the fixed buffer
///           of their connection, and what an upstream's answer needs beyond that of its own.
/// Threads   any. A claim belongs to one.
/// Errors    none: a claim that does not fit is refused before any memory is taken.

#include <atomic>
#include <cstddef>

namespace sluicegate {

class MemoryBudget {
public:
    explicit MemoryBudget(std::size_t limit) noexcept : limit_(limit) {}
    MemoryBudget(const MemoryBudget&) = delete;
    MemoryBudget& operator=(const MemoryBudget&) = delete;

    /// What is claimed already stays claimed, even if it is more.
    void set_limit(std::size_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }
    [[nodiscard]] std::size_t limit() const noexcept {
        return limit_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t used() const noexcept {
        return used_.load(std::memory_order_relaxed);
    }

private:
    friend class MemoryClaim;
    /// False, and nothing is taken, when less is left.
    [[nodiscard]] bool take(std::size_t bytes) noexcept {
        const std::size_t limit = limit_.load(std::memory_order_relaxed);
        std::size_t used = used_.load(std::memory_order_relaxed);
        do {
            if (used > limit || bytes > limit - used) return false;
        } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
        return true;
    }
    void give_back(std::size_t bytes) noexcept {
        used_.fetch_sub(bytes, std::memory_order_relaxed);
    }

    std::atomic<std::size_t> limit_;
    std::atomic<std::size_t> used_{0};
};

/// A part of a budget, given back at its end. The budget must outlive it.
class [[nodiscard]] MemoryClaim {
public:
    explicit MemoryClaim(MemoryBudget& budget) noexcept : budget_(budget) {}
    MemoryClaim(const MemoryClaim&) = delete;
    MemoryClaim& operator=(const MemoryClaim&) = delete;
    ~MemoryClaim() { budget_.give_back(bytes_); }

    /// Claims `bytes` altogether. False, and nothing changes, when the budget has not got the rest.
    [[nodiscard]] bool resize(std::size_t bytes) noexcept {
        if (bytes > bytes_ && !budget_.take(bytes - bytes_)) return false;
        if (bytes < bytes_) budget_.give_back(bytes_ - bytes);
        bytes_ = bytes;
        return true;
    }

private:
    MemoryBudget& budget_;
    std::size_t bytes_ = 0;
};

}  // namespace sluicegate
