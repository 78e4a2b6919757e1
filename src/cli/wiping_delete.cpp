#include "sluicegate/base/wipe_scope.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>

// The operators of the program that WipeScope speaks of. They belong to the binary, not to a
// library: tests have operators of their own, which count.
//
// All forms that are used: those of the library call the first two (C++20, 17.6.3), those of a
// sanitizer do not. std::pmr uses the aligned ones. They are not inlined: a compiler that sees
// through one of a pair warns of the other.

[[gnu::noinline]] void* operator new(std::size_t size) {
    for (;;) {
        void* const memory = std::malloc(size == 0 ? 1 : size);  // NOLINT(*-no-malloc)
        if (memory != nullptr) return memory;
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) throw std::bad_alloc();
        handler();
    }
}

[[gnu::noinline]] void operator delete(void* memory) noexcept {
    if (sluicegate::wipe_scopes > 0 && memory != nullptr) {
        ::explicit_bzero(memory, ::malloc_usable_size(memory));
    }
    std::free(memory);  // NOLINT(*-no-malloc)
}

[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
    operator delete(memory);
}

[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    const auto step = static_cast<std::size_t>(alignment);
    const std::size_t whole = (size + step - 1) / step * step;  // as aligned_alloc(3) wants it
    void* const memory = std::aligned_alloc(step, whole == 0 ? step : whole);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

[[gnu::noinline]] void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
    operator delete(memory);
}

[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/,
                                       std::align_val_t /*alignment*/) noexcept {
    operator delete(memory);
}

void* operator new[](std::size_t size) {
    return operator new(size);
}

void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    try {
        return operator new(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
    return operator new(size, tag);
}

void operator delete[](void* memory) noexcept {
    operator delete(memory);
}

void operator delete[](void* memory, std::size_t /*size*/) noexcept {
    operator delete(memory);
}

void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
    operator delete(memory);
}

void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept {
    operator delete(memory);
}
