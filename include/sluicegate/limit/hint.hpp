#pragma once
/// Where a key's slot was found last: a decision that is given it needs no look-up.
///
/// Kept by the caller beside what it knows of one user and one model. It may be stale; then the
/// slot is looked up, and the hint is set anew. Only the limiter writes to it.
/// Threads    any number may share one.
/// Ownership  of one limiter alone: no other may be given it.

#include <atomic>
#include <cstdint>

namespace sluicegate::limit {

class Hint {
public:
    Hint() noexcept = default;
    Hint(const Hint& other) noexcept : slot_(other.slot_.load(std::memory_order_acquire)) {}
    Hint& operator=(const Hint& other) noexcept {
        slot_.store(other.slot_.load(std::memory_order_acquire), std::memory_order_release);
        return *this;
    }

private:
    friend class SlotTable;

    std::atomic<std::uint32_t> slot_{0};  ///< a SlotRef; 0: not known yet
};

}  // namespace sluicegate::limit
