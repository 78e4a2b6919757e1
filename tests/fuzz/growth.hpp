#pragma once
/// Bounds what the code under test takes from the heap for each byte of its input. Quadratic memory
/// and containers that are never cleared show in small inputs already.
///
/// Counted   operator new, of this thread. malloc() alone is not: what ByteBuffer takes is in the
///           MemoryBudget.
/// Threads   one check at a time on each thread.

#include <cstddef>

namespace sluicegate::fuzz {

/// Since the thread began.
struct HeapCounts {
    std::size_t held_bytes = 0;   ///< now
    std::size_t taken_bytes = 0;  ///< altogether
    std::size_t takes = 0;        ///< calls
};
[[nodiscard]] HeapCounts heap_counts() noexcept;

struct GrowthBound {
    std::size_t base_bytes;      ///< whatever the input
    std::size_t held_per_byte;   ///< at one time
    std::size_t taken_per_byte;  ///< altogether
};

/// Checks from its construction to its end; aborts where a bound was passed.
class GrowthCheck {
public:
    GrowthCheck(std::size_t input_bytes, const GrowthBound& bound) noexcept;
    GrowthCheck(const GrowthCheck&) = delete;
    GrowthCheck& operator=(const GrowthCheck&) = delete;
    ~GrowthCheck();

private:
    std::size_t input_bytes_;
    GrowthBound bound_;
    HeapCounts start_;
};

}  // namespace sluicegate::fuzz
