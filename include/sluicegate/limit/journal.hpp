#pragma once
/// What was charged since the last export, in memory that outlives the process.
///
/// The records lie in a ring that the owner maps from a file. What a thread has stored there is in
/// the file, however the process ends. A record's seal is stored last: it says to which turn of the
/// ring the record belongs, and has a checksum of it. A record that was overwritten, or that its
/// thread did not finish, is not believed.
///
/// A charge is recorded after it was made and before its admission is returned. An owner that takes
/// next() first and then exports the limiter misses nothing. A record with a smaller number was
/// charged before, so the export sees it; the other records are read from here. A charge that is in
/// both is counted twice, which refuses sooner.
///
/// Threads    any number may append(); the rest is for one, or for when nothing is appended.
/// Memory     the ring is the owner's and must outlive the journal.
/// Source     docs/decisions/0006-limiter-state.md

#include "sluicegate/base/ids.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace sluicegate::limit {

/// One charge. Memory of zeros holds no record.
struct alignas(32) JournalRecord {
    std::atomic<std::uint64_t> key;
    std::atomic<std::uint64_t> when;  ///< clock in ms, and Charged's flags in the low 16 bits
    std::atomic<std::uint64_t> tokens;
    std::atomic<std::uint64_t> seal;  ///< its turn of the ring plus 1, then 32 bits of checksum
};
static_assert(sizeof(JournalRecord) == 32 && std::atomic<std::uint64_t>::is_always_lock_free);

/// What a record says.
struct Charged {
    UserId user{};
    ModelId model{};
    std::uint64_t clock_ms = 0;  ///< CLOCK_MONOTONIC; 48 bits
    std::uint64_t tokens = 0;
    bool is_request = false;  ///< false: only tokens beyond what was reserved
    bool per_minute = false;  ///< counted in the window of limits per minute
    bool per_day = false;     ///< counted in the window of limits per day

    friend bool operator==(const Charged&, const Charged&) = default;
};

class Journal {
public:
    /// A ring of a power of two of records, to go on with from number `next`.
    Journal(std::span<JournalRecord> ring, std::uint64_t next) noexcept;

    void append(const Charged& charged) noexcept;

    /// The number of the next record.
    [[nodiscard]] std::uint64_t next() const noexcept {
        return next_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.size(); }
    /// The record of that number, or one of a later turn, is in the ring. For a number so old that
    /// its thread must have stored it.
    [[nodiscard]] bool has_stored(std::uint64_t number) const noexcept;

    /// Makes the next records' pages writable, so that append() need not wait for the kernel to
    /// do it. They stay as they are.
    void touch_ahead(std::size_t records) noexcept;

    /// The records from number `from` on that the ring still holds, in its own order. Returns how
    /// many are lost: damaged, not finished, or overwritten by a later turn.
    static std::uint64_t visit(std::span<const JournalRecord> ring, std::uint64_t from,
                               const std::function<void(const Charged&)>& act);
    /// One more than the highest number in the ring; 0 when it is empty.
    [[nodiscard]] static std::uint64_t end_of(std::span<const JournalRecord> ring) noexcept;
    /// Zeroes what is no whole record, so that it is not found again.
    static void remove_damaged(std::span<JournalRecord> ring) noexcept;
    /// Seals the records of a ring whose last words are their numbers plus 1, without a checksum
    /// (format 1 of the file). It may be repeated after a kill in its middle.
    static void upgrade(std::span<JournalRecord> ring) noexcept;

private:
    std::span<JournalRecord> ring_;
    std::size_t mask_;
    unsigned turn_shift_;  ///< a number without these low bits is that of its turn
    alignas(64) std::atomic<std::uint64_t> next_;
};

}  // namespace sluicegate::limit
