#include "fuzz/growth.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace sluicegate::fuzz {
namespace {

thread_local HeapCounts counts;
thread_local std::size_t held_bytes_max = 0;

void* note_taken(void* block) noexcept {
    if (block == nullptr) return nullptr;
    const std::size_t size = ::malloc_usable_size(block);
    counts.held_bytes += size;
    counts.taken_bytes += size;
    ++counts.takes;
    held_bytes_max = std::max(held_bytes_max, counts.held_bytes);
    return block;
}

void* take(std::size_t size) {
    void* block = note_taken(std::malloc(std::max<std::size_t>(size, 1)));
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

void* take_aligned(std::size_t size, std::align_val_t alignment) {
    const auto unit = static_cast<std::size_t>(alignment);
    void* block = note_taken(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

void give_back(void* block) noexcept {
    if (block == nullptr) return;
    // What another thread has taken is not counted here, so the count may not go below zero.
    counts.held_bytes -= std::min(counts.held_bytes, ::malloc_usable_size(block));
    std::free(block);
}

void require_at_most(const char* what, std::size_t bytes, std::size_t input_bytes,
                     std::size_t bound) noexcept {
    if (bytes <= bound) return;
    std::fprintf(stderr, "%s %zu bytes of heap for %zu bytes of input; the bound is %zu\n", what,
                 bytes, input_bytes, bound);
    std::abort();
}

}  // namespace

HeapCounts heap_counts() noexcept {
    return counts;
}

GrowthCheck::GrowthCheck(std::size_t input_bytes, const GrowthBound& bound) noexcept
    : input_bytes_(input_bytes), bound_(bound), start_(counts) {
    held_bytes_max = counts.held_bytes;
}

GrowthCheck::~GrowthCheck() {
    require_at_most("held", held_bytes_max - std::min(held_bytes_max, start_.held_bytes),
                    input_bytes_, bound_.base_bytes + bound_.held_per_byte * input_bytes_);
    require_at_most("took", counts.taken_bytes - start_.taken_bytes, input_bytes_,
                    bound_.base_bytes + bound_.taken_per_byte * input_bytes_);
}

}  // namespace sluicegate::fuzz

using sluicegate::fuzz::give_back;
using sluicegate::fuzz::take;
using sluicegate::fuzz::take_aligned;

void* operator new(std::size_t size) {
    return take(size);
}
void* operator new[](std::size_t size) {
    return take(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return take_aligned(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return take_aligned(size, alignment);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return sluicegate::fuzz::note_taken(std::malloc(std::max<std::size_t>(size, 1)));
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return sluicegate::fuzz::note_taken(std::malloc(std::max<std::size_t>(size, 1)));
}
void operator delete(void* block) noexcept {
    give_back(block);
}
void operator delete[](void* block) noexcept {
    give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
    give_back(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    give_back(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    give_back(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
    give_back(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    give_back(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
    give_back(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    give_back(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    give_back(block);
}
