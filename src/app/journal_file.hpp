#pragma once
/// The limiter's journal in a file that is shared memory of this process: what was stored there is
/// in the file when the process is killed.
///
/// Layout     a page with a mark, the format, the number of records and the journal's id; then the
///            records. All of it is allocated on disk, so that a full disk cannot stop a store.
/// Ownership  locked while it lives: one process at a time. The lock goes with the process.

#include "sluicegate/base/result.hpp"
#include "sluicegate/limit/journal.hpp"

#include "app/durable_file.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sluicegate::app {

class JournalFile {
public:
    /// Opens the file, or makes one of `records`, a power of two. One that is of another size or
    /// format, or damaged, is made anew. Errors: another process has it; it cannot be created.
    static Result<JournalFile> open(const std::string& file, std::size_t records);
    JournalFile(JournalFile&& other) noexcept;
    JournalFile& operator=(JournalFile&& other) = delete;
    ~JournalFile();

    /// Random, never 0: which process's journal this is.
    [[nodiscard]] std::uint64_t id() const noexcept;
    [[nodiscard]] static std::uint64_t new_id();
    /// From now on the records are those of `id`. They stay where they are.
    void set_id(std::uint64_t id) noexcept;
    [[nodiscard]] std::span<limit::JournalRecord> ring() const noexcept;

private:
    JournalFile(Descriptor descriptor, std::byte* mapped, std::size_t size_bytes) noexcept
        : descriptor_(std::move(descriptor)), mapped_(mapped), size_bytes_(size_bytes) {}

    Descriptor descriptor_;
    std::byte* mapped_ = nullptr;
    std::size_t size_bytes_ = 0;
};

}  // namespace sluicegate::app
