#include "sluicegate/base/wipe_scope.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>

// The operators of the program that WipeScope speaks of. They belong to the binary, not to a
// library: tests have operators of their own, which count.
//
// The other forms, but for the aligned ones, call these (C++20, 17.6.3). They are not inlined: a
// compiler that sees through one of a pair warns of the other.

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
