#include "sluicegate/base/wipe_scope.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>

// The operators of the program that WipeScope speaks of. They belong to the binary, not to a
// library: tests have operators of their own, which count.
//
// All forms but the aligned ones: those of the library call the first two (C++20, 17.6.3), those of
// a sanitizer do not. They are not inlined: a compiler that sees through one of a pair warns of the
// other.

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
