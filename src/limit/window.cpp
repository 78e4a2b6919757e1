#include "limit/window.hpp"

#include <sys/mman.h>

namespace sluicegate::limit {
namespace {

/// Asks for huge pages. Without them a quarter of a decision's time goes into the translation of
/// addresses when a million keys are in use. Where the kernel has none, plain pages work as well.
void ask_for_huge_pages(void* from, std::size_t size) noexcept {
    constexpr std::uintptr_t page = std::uintptr_t{2} << 20U;
    const auto start = reinterpret_cast<std::uintptr_t>(from);
    const std::uintptr_t first = (start + page - 1) / page * page;
    const std::uintptr_t end = (start + size) / page * page;
    if (first >= end) return;
    ::madvise(static_cast<std::byte*>(from) + (first - start), end - first, MADV_HUGEPAGE);
}

}  // namespace

Window::Window(std::uint64_t window_ms, std::uint64_t each_tick_ms, std::uint32_t slots)
    : tick_ms(each_tick_ms), length((window_ms + 2 * (each_tick_ms - 1)) / each_tick_ms) {
    slots_.reserve(slots);
    ask_for_huge_pages(slots_.data(), slots_.capacity() * sizeof(Slot));
}

Slot* Window::new_slot() noexcept {
    const std::lock_guard guard(mutex_);
    return slots_.size() == slots_.capacity() ? nullptr : &slots_.emplace_back();
}

std::size_t Window::slots_used() const noexcept {
    const std::lock_guard guard(mutex_);
    return slots_.size();
}

}  // namespace sluicegate::limit
