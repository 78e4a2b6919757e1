#pragma once
/// Keeps a store to a mapped file from killing the process when the file has lost its pages.
///
/// The kernel answers such a store with SIGBUS: the file was truncated, or the disk has no room or
/// fails. The guard then puts fresh memory in the place of the whole mapping, and the store is
/// repeated there. The mapping belongs to no file from then on. Any other SIGBUS has the effect
/// that it had before.
///
/// Threads    any may store meanwhile, also while the owner maps something else there. They must
///            not block SIGBUS: the kernel kills a thread that does.
/// Cost       none for a store that succeeds.
/// Bounds     `guards_max` at a time.

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>

namespace sluicegate::app {

class MappingGuard {
public:
    static constexpr std::size_t guards_max = 8;

    MappingGuard() noexcept = default;
    /// Guards whole pages from `from` on. Without effect when there are too many guards already.
    MappingGuard(void* from, std::size_t size_bytes) noexcept;
    MappingGuard(MappingGuard&& other) noexcept;
    MappingGuard& operator=(MappingGuard&& other) = delete;
    ~MappingGuard();

    /// A store has failed since the last forget(): the memory belongs to no file.
    [[nodiscard]] bool has_failed() const noexcept;
    /// Call before the next mapping takes the place, not after it.
    void forget() noexcept;

private:
    struct Range;
    static Range* find(std::uintptr_t address) noexcept;
    static void on_bus_error(int signal, siginfo_t* info, void* context);
    static std::array<Range, guards_max> ranges_;

    Range* range_ = nullptr;
};

}  // namespace sluicegate::app
