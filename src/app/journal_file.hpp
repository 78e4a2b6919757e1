#pragma once
/// The limiter's journal in a file that is shared memory of this process: what was stored there is
/// in the file when the process is killed.
///
/// Layout     a page with a mark, the format, the number of records and the journal's id; then the
///            records. All of it is allocated on disk, so that a full disk cannot stop a store.
/// Loss       what others do to the file (truncate, replace, delete it) and a disk that fails do no
///            harm to the process: the ring then is memory of its own (MappingGuard). loss() says
///            so, and remake() puts a new file under the same ring.
/// Ownership  locked while it lives: one process at a time. The lock goes with the process.

#include "sluicegate/base/result.hpp"
#include "sluicegate/limit/journal.hpp"

#include "app/durable_file.hpp"
#include "app/mapping_guard.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sluicegate::app {

class JournalFile {
public:
    /// Opens the file, or makes one of `records`, a power of two. Format 1, without checksums, is
    /// read; a journal of another size or format is made anew under a new id, so that its state
    /// misses it. What is no journal is set aside as FILE.unusable. Errors: another
    /// process has it; it is not ours (open_own_file()); it cannot be created.
    static Result<JournalFile> open(const std::string& file, std::size_t records);
    JournalFile(JournalFile&& other) noexcept;
    JournalFile& operator=(JournalFile&& other) = delete;
    ~JournalFile();

    /// Random, never 0: which process's journal this is.
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] static std::uint64_t new_id();
    /// From now on the records are those of `id`. They stay where they are.
    void set_id(std::uint64_t id) noexcept;
    [[nodiscard]] std::span<limit::JournalRecord> ring() const noexcept;

    /// Why a process that starts now would not find what is stored in the ring; nothing while it
    /// would. A few system calls.
    [[nodiscard]] std::optional<std::string> loss() const;
    /// An empty journal under a new id takes the ring's place; stores may go on meanwhile. Errors:
    /// as of open(). The ring then still is memory.
    Result<void> remake();

private:
    JournalFile(std::string file, Descriptor descriptor, std::byte* mapped,
                std::size_t size_bytes) noexcept
        : file_(std::move(file)),
          descriptor_(std::move(descriptor)),
          mapped_(mapped),
          size_bytes_(size_bytes),
          guard_(mapped, size_bytes) {}
    [[nodiscard]] std::size_t records() const noexcept;

    std::string file_;
    Descriptor descriptor_;
    std::byte* mapped_ = nullptr;
    std::size_t size_bytes_ = 0;
    std::uint64_t id_ = 0;
    MappingGuard guard_;
};

}  // namespace sluicegate::app
