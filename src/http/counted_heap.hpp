#pragma once
/// Memory for a library of C, claimed from a budget before it is taken.
///
/// Errors   a null pointer where the budget has no room; the library then gives up.
/// Threads  one.

#include "sluicegate/base/memory_budget.hpp"

#include <cstddef>
#include <cstdlib>
#include <limits>

namespace sluicegate::http {

class CountedHeap {
public:
    CountedHeap(MemoryBudget& budget, MemoryUse use, MemoryShare* share) noexcept
        : claim_(budget, use) {
        claim_.charge_to(share);
    }

    [[nodiscard]] void* take(std::size_t bytes) noexcept {
        if (bytes > std::numeric_limits<std::size_t>::max() / 2) return refuse();
        const std::size_t size = bytes + sizeof(Header);
        if (!claim_.resize(held_bytes_ + size)) return refuse();
        auto* const block = static_cast<Header*>(std::malloc(size));  // NOLINT(*-no-malloc)
        if (block == nullptr) {
            static_cast<void>(claim_.resize(held_bytes_));
            return refuse();
        }
        held_bytes_ += size;
        block->size = size;
        return block + 1;
    }
    void give_back(void* taken) noexcept {
        if (taken == nullptr) return;
        Header* const block = static_cast<Header*>(taken) - 1;
        held_bytes_ -= block->size;
        static_cast<void>(claim_.resize(held_bytes_));
        std::free(block);  // NOLINT(*-no-malloc)
    }
    /// The budget had no room for something that was wanted.
    [[nodiscard]] bool has_refused() const noexcept { return has_refused_; }

    // What the libraries call, with the heap as their opaque argument.
    static void* take_for(void* heap, std::size_t bytes) noexcept {
        return static_cast<CountedHeap*>(heap)->take(bytes);
    }
    static void give_back_for(void* heap, void* taken) noexcept {
        static_cast<CountedHeap*>(heap)->give_back(taken);
    }

private:
    /// Before each block: its size, as the claim counts it.
    struct alignas(std::max_align_t) Header {
        std::size_t size;
    };

    void* refuse() noexcept {
        has_refused_ = true;
        return nullptr;
    }

    MemoryClaim claim_;
    std::size_t held_bytes_ = 0;
    bool has_refused_ = false;
};

}  // namespace sluicegate::http
