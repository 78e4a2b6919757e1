#pragma once
/// How much of the process's memory may be taken by bytes that clients and upstreams send: one
/// budget for all workers.
///
/// Counted   what grows with traffic: heads and bodies of requests that do not fit the fixed buffer
///           of their connection, and what an upstream's answer needs beyond that of its own.
/// Shares    what one user holds, or all strangers together. For requests, a share never holds more
///           than is left free; for answers, which have cost something, never more than three times
///           as much. So one user leaves half of the budget to the others, or a quarter, and of n
///           users each can hold one of n + 1 parts. A single claim of a user who holds nothing
///           else is bound by the budget alone, because one body may need most of it.
/// Threads   any. A claim belongs to one.
/// Errors    none: a claim that does not fit is refused before any memory is taken.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluicegate {

class MemoryShare {
public:
    MemoryShare() = default;
    MemoryShare(const MemoryShare&) = delete;
    MemoryShare& operator=(const MemoryShare&) = delete;

    [[nodiscard]] std::size_t held() const noexcept {
        return held_.load(std::memory_order_relaxed);
    }

private:
    friend class MemoryBudget;
    friend class MemoryClaim;
    std::atomic<std::size_t> held_{0};
};

enum class MemoryUse : std::uint8_t { request, answer };

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
    [[nodiscard]] std::size_t free() const noexcept {
        const std::size_t limit = this->limit();
        return limit - std::min(used(), limit);
    }
    /// The share of all connections that have shown no valid key.
    [[nodiscard]] MemoryShare& strangers() noexcept { return strangers_; }

private:
    friend class MemoryClaim;
    static constexpr std::size_t factor_of_answers = 3;

    /// False, and nothing is taken, when less is left.
    [[nodiscard]] bool take(std::size_t bytes) noexcept {
        const std::size_t limit = this->limit();
        std::size_t used = this->used();
        do {
            if (used > limit || bytes > limit - used) return false;
        } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
        return true;
    }
    /// The same for a claim of `share` that has `own` bytes already.
    [[nodiscard]] bool take(std::size_t bytes, MemoryShare& share, std::size_t own,
                            MemoryUse use) noexcept {
        if (!take(bytes)) return false;
        // Added before it is compared, so that two workers cannot both find room for one.
        const std::size_t before = share.held_.fetch_add(bytes, std::memory_order_relaxed);
        const std::size_t factor = use == MemoryUse::answer ? factor_of_answers : 1;
        if (before <= own || before + bytes <= factor * free()) return true;
        give_back(bytes, &share);
        return false;
    }
    void give_back(std::size_t bytes, MemoryShare* share) noexcept {
        if (share != nullptr) share->held_.fetch_sub(bytes, std::memory_order_relaxed);
        used_.fetch_sub(bytes, std::memory_order_relaxed);
    }

    std::atomic<std::size_t> limit_;
    std::atomic<std::size_t> used_{0};
    MemoryShare strangers_;
};

/// A part of a budget, given back at its end. The budget must outlive it.
class [[nodiscard]] MemoryClaim {
public:
    explicit MemoryClaim(MemoryBudget& budget, MemoryUse use = MemoryUse::request) noexcept
        : budget_(budget), use_(use) {}
    MemoryClaim(const MemoryClaim&) = delete;
    MemoryClaim& operator=(const MemoryClaim&) = delete;
    ~MemoryClaim() {
        if (bytes_ > 0) budget_.give_back(bytes_, share_);
    }

    /// It belongs to `share` from now on, which must outlive it. Null: to none, so that the budget
    /// alone bounds it.
    void charge_to(MemoryShare* share) noexcept {
        if (bytes_ > 0 && share != share_) {
            if (share_ != nullptr) share_->held_.fetch_sub(bytes_, std::memory_order_relaxed);
            if (share != nullptr) share->held_.fetch_add(bytes_, std::memory_order_relaxed);
        }
        share_ = share;
    }

    /// Claims `bytes` altogether. False, and nothing changes, when the rest is not left for it.
    [[nodiscard]] bool resize(std::size_t bytes) noexcept {
        if (bytes > bytes_ && !take(bytes - bytes_)) return false;
        if (bytes < bytes_) budget_.give_back(bytes_ - bytes, share_);
        bytes_ = bytes;
        return true;
    }

private:
    [[nodiscard]] bool take(std::size_t more) noexcept {
        if (share_ == nullptr) return budget_.take(more);
        return budget_.take(more, *share_, bytes_, use_);
    }

    MemoryBudget& budget_;
    MemoryShare* share_ = nullptr;
    std::size_t bytes_ = 0;
    MemoryUse use_;
};

}  // namespace sluicegate
