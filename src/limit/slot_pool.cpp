#include "limit/slot_pool.hpp"

#include <cstring>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace sluicegate::limit {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20U;

std::byte* map(std::size_t size) noexcept {
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
}

/// `size` bytes that start at a huge page's border: maps more, then gives the ends back.
std::byte* map_aligned(std::size_t size) noexcept {
    std::byte* at = map(size + huge_page_bytes);
    if (at == nullptr) return nullptr;
    const std::size_t before =
        (huge_page_bytes - reinterpret_cast<std::uintptr_t>(at) % huge_page_bytes) %
        huge_page_bytes;
    if (before != 0) ::munmap(at, before);
    if (before != huge_page_bytes) ::munmap(at + before + size, huge_page_bytes - before);
    // Refused where the kernel has no huge pages: the plain ones work as well, only slower.
    ::madvise(at + before, size, MADV_HUGEPAGE);
    return at + before;
}

std::uint32_t units_of(SizeClass size) noexcept {
    return slot_bytes[index_of(size)] / slot_bytes[0];
}

/// Where a released slot keeps the next one of its list: no stale reader looks behind the header.
SlotRef next_of(const Slot& slot) noexcept {
    SlotRef next = 0;
    std::memcpy(&next, slot.ring, sizeof next);
    return next;
}

void set_next(Slot& slot, SlotRef next) noexcept {
    std::memcpy(slot.ring, &next, sizeof next);
}

}  // namespace

Pages::Pages(std::size_t size_bytes, Kind kind) noexcept
    : data_(kind == Kind::huge ? map_aligned(size_bytes) : map(size_bytes)),
      size_(data_ == nullptr ? 0 : size_bytes) {
}

Pages::Pages(Pages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {
}

Pages& Pages::operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Pages::~Pages() {
    if (data_ != nullptr) ::munmap(data_, size_);
}

SlotPool::SlotPool(std::uint32_t slots) : slots_max_(slots) {
    constexpr std::uint32_t always = 64;  // small tables: every key may grow
    std::uint64_t units = cursor_;
    for (std::size_t i = 0; i < size_classes; ++i) {
        left_[i] = std::max(std::min(slots, always), slots >> i);
        units += std::uint64_t{left_[i]} * units_of(SizeClass{static_cast<std::uint8_t>(i)});
    }
    // A slot that would cross a slab's end starts the next slab.
    constexpr std::uint32_t cut_off_max = slot_bytes.back() / slot_bytes.front() - 1;
    const std::uint64_t slabs = units / (slab_units - cut_off_max) + 1;
    slabs_.resize(slabs, nullptr);
    pages_.reserve(slabs);
}

SlotRef SlotPool::allocate_first(SizeClass size) noexcept {
    const std::lock_guard guard(mutex_);
    return slots_used_ < slots_max_ ? take(size) : 0;
}

SlotRef SlotPool::allocate(SizeClass size) noexcept {
    const std::lock_guard guard(mutex_);
    return take(size);
}

void SlotPool::release(SlotRef ref) noexcept {
    Slot& slot = at(ref);
    const std::lock_guard guard(mutex_);
    SlotRef& list = free_[index_of(slot.size)];
    set_next(slot, list);
    list = ref;
    --slots_used_;
}

SlotPool::Counts SlotPool::counts() const noexcept {
    const std::lock_guard guard(mutex_);
    return {.slots_used = slots_used_, .bytes_mapped = bytes_mapped_};
}

SlotRef SlotPool::take(SizeClass size) noexcept {
    SlotRef& list = free_[index_of(size)];
    SlotRef ref = list;
    if (ref != 0) {
        list = next_of(at(ref));
    } else {
        ref = cut(size);
        if (ref == 0) return 0;
    }
    ++slots_used_;
    return ref;
}

SlotRef SlotPool::cut(SizeClass size) noexcept {
    std::uint32_t& left = left_[index_of(size)];
    if (left == 0) return 0;
    const std::uint32_t units = units_of(size);
    std::uint32_t start = cursor_;
    if ((start & slab_mask) + units > slab_units) start = (start | slab_mask) + 1;
    const std::uint32_t slab = start >> slab_bits;
    if (slabs_[slab] == nullptr) {
        // A table that fits into less than one slab takes only what it needs, on plain pages.
        Pages pages(slab_bytes, slabs_.size() == 1 ? Pages::Kind::plain : Pages::Kind::huge);
        if (pages.data() == nullptr) return 0;
        slabs_[slab] = pages.data();
        bytes_mapped_ += pages.size();
        pages_.push_back(std::move(pages));
    }
    cursor_ = start + units;
    --left;
    Slot* slot = new (&at(start)) Slot;
    slot->key.store(Slot::no_key, std::memory_order_relaxed);
    slot->lock.store(0, std::memory_order_relaxed);
    slot->size = size;
    return start;
}

}  // namespace sluicegate::limit
