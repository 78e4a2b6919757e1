#pragma once
/// Memory for slots: 2 MiB slabs cut into slots of five sizes, with a bound on each size.
///
/// A table miss costs about half as much on huge pages. Where the kernel gives none, the same
/// slabs work on plain ones. Slabs are mapped when needed and kept until the end.
///
/// Threads   allocate and release may be called by any; at() needs a reference that was handed
///           over with release/acquire order.
/// Errors    no memory looks like a bound that was reached.

#include "limit/slot.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace sluicegate::limit {

/// Zeroed pages of the operating system, unmapped at the end; empty when it gave none.
class Pages {
public:
    enum class Kind : std::uint8_t { plain, huge };

    Pages() noexcept = default;
    Pages(std::size_t size_bytes, Kind kind) noexcept;
    Pages(Pages&& other) noexcept;
    Pages& operator=(Pages&& other) noexcept;
    ~Pages();

    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Names a slot: its place counted in 128-byte units. 0 is none.
using SlotRef = std::uint32_t;
inline constexpr unsigned slot_ref_bits = 26;

class SlotPool {
public:
    /// `slots`: bound on slots in use by allocate_first(). Larger ones are bounded so that each
    /// size takes at most as many bytes as all the smallest together.
    explicit SlotPool(std::uint32_t slots);

    /// A slot for a new key; 0 when the bound is reached.
    SlotRef allocate_first(SizeClass size) noexcept;
    /// A slot for a key that moves; its old one is released next.
    SlotRef allocate(SizeClass size) noexcept;
    void release(SlotRef ref) noexcept;

    [[nodiscard]] Slot& at(SlotRef ref) const noexcept {
        return *reinterpret_cast<Slot*>(slabs_[ref >> slab_bits] +
                                        std::size_t{ref & slab_mask} * unit_bytes);
    }

    struct Counts {
        std::uint64_t slots_used;
        std::uint64_t bytes_mapped;
    };
    [[nodiscard]] Counts counts() const noexcept;

private:
    static constexpr std::size_t unit_bytes = 128;
    static constexpr std::size_t slab_bytes = std::size_t{2} << 20U;
    static constexpr unsigned slab_bits = 14;
    static constexpr std::uint32_t slab_units = 1U << slab_bits;
    static constexpr std::uint32_t slab_mask = slab_units - 1;
    static_assert(slab_units * unit_bytes == slab_bytes);

    SlotRef take(SizeClass size) noexcept;
    SlotRef cut(SizeClass size) noexcept;

    mutable std::mutex mutex_;
    std::uint32_t slots_max_;
    std::uint32_t slots_used_ = 0;
    std::array<std::uint32_t, size_classes> left_{};  ///< may still be cut
    std::array<SlotRef, size_classes> free_{};        ///< heads of the lists of released slots
    std::uint32_t cursor_ = 1;                        ///< next unit to cut
    std::vector<Pages> pages_;
    std::vector<std::byte*> slabs_;  ///< sized once: read without the mutex
    std::uint64_t bytes_mapped_ = 0;
};

}  // namespace sluicegate::limit
