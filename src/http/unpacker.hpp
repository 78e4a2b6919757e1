#pragma once
/// What the library of one coding does, behind one face for all of them.

#include "http/counted_heap.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace sluicegate::http {

class Unpacker {
public:
    struct Step {
        std::size_t consumed = 0;
        std::size_t produced = 0;
        const char* flaw = nullptr;  ///< why it cannot go on; null while all is well
    };

    Unpacker() = default;
    Unpacker(const Unpacker&) = delete;
    Unpacker& operator=(const Unpacker&) = delete;
    virtual ~Unpacker() = default;

    /// Goes on until the input is consumed and nothing more follows from it, or the output is full.
    [[nodiscard]] virtual Step unpack(std::string_view input, std::span<char> output) noexcept = 0;
    /// The coding may end where the input has come to.
    [[nodiscard]] virtual bool is_at_end() const noexcept = 0;
    /// The budget had no room for what the library wanted.
    [[nodiscard]] virtual bool lacks_memory() const noexcept = 0;
};

/// Each takes the memory of its library from a heap of its own.
[[nodiscard]] std::unique_ptr<Unpacker> new_gzip_unpacker(MemoryBudget& budget, MemoryUse use,
                                                          MemoryShare* share);
[[nodiscard]] std::unique_ptr<Unpacker> new_deflate_unpacker(MemoryBudget& budget, MemoryUse use,
                                                             MemoryShare* share);
[[nodiscard]] std::unique_ptr<Unpacker> new_brotli_unpacker(MemoryBudget& budget, MemoryUse use,
                                                            MemoryShare* share);
[[nodiscard]] std::unique_ptr<Unpacker> new_zstd_unpacker(MemoryBudget& budget, MemoryUse use,
                                                          MemoryShare* share);

}  // namespace sluicegate::http
