#pragma once
/// Where one key's counts live: a 32-byte header and a ring of runs, in one of five sizes.
///
/// Threads   everything but `key` and the lock itself is touched only under the lock. A slot's
///           memory stays mapped and keeps its size class while the table lives, so a stale
///           reference is safe to lock; the key then tells that the slot has changed hands.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>

namespace sluicegate::limit {

/// All events of one run count as if they had happened at `stamp`, the time of the last of them.
/// Stamps are the low bits of the time in ticks: 16 bits tell the times of one window and the join
/// span before it apart (WindowSpans::fit_stamps).
struct PackedRun {
    using Stamp = std::uint16_t;
    std::uint16_t stamp;
    std::uint16_t requests;
    std::uint32_t tokens;
};

/// For keys whose runs hold more than 65,535 requests.
struct WideRun {
    using Stamp = std::uint32_t;
    std::uint32_t stamp;
    std::uint32_t requests;
    std::uint64_t tokens;
};

enum class SizeClass : std::uint8_t { tiny, small, medium, large, wide };

inline constexpr std::size_t size_classes = 5;
inline constexpr std::array<std::uint32_t, size_classes> slot_bytes{128, 256, 512, 1024, 2048};
inline constexpr std::size_t header_bytes = 32;

constexpr std::size_t index_of(SizeClass size) {
    return static_cast<std::size_t>(size);
}

/// Runs that a slot of each class holds: R in docs/limits.md.
inline constexpr std::array<std::uint8_t, size_classes> runs_max = [] {
    std::array<std::uint8_t, size_classes> runs{};
    for (std::size_t i = 0; i < size_classes; ++i) {
        const bool is_wide = i == index_of(SizeClass::wide);
        const std::size_t each = is_wide ? sizeof(WideRun) : sizeof(PackedRun);
        runs[i] = static_cast<std::uint8_t>((slot_bytes[i] - header_bytes) / each);
    }
    return runs;
}();

struct alignas(64) Slot {
    static constexpr std::uint64_t no_key = ~std::uint64_t{0};

    std::atomic<std::uint64_t> key;
    std::uint64_t tokens : 48;     ///< sum over the runs
    std::uint64_t in_flight : 16;  ///< reservations neither settled nor cancelled
    std::uint64_t clock : 48;      ///< in ticks: the latest time that the slot was told
    std::uint64_t first : 16;      ///< low bits of the time of the newest run's first event
    std::uint32_t requests;        ///< sum over the runs
    std::atomic<std::uint8_t> lock;
    SizeClass size : 7;
    std::uint8_t is_joining : 1;  ///< the ring was full: events now join runs until it is empty
    std::uint8_t head;            ///< position of the oldest run
    std::uint8_t count;           ///< runs in the ring

    std::byte ring[header_bytes];  ///< the first bytes of the runs; the rest lies behind
};

static_assert(offsetof(Slot, ring) == header_bytes);
static_assert(runs_max[0] == 12 && runs_max[1] == 28 && runs_max[2] == 60 && runs_max[3] == 124 &&
              runs_max[4] == 126);

/// A window in ticks, the unit of its slots' time, and the spans that follow from it.
///
/// An event's time is rounded down to a tick, and it counts until it is a window old whatever the
/// rounding took: up to one tick longer than the window in milliseconds, never shorter, and exactly
/// as long where a tick is a millisecond.
struct WindowSpans {
    std::uint64_t tick_ms;
    std::uint64_t window;  ///< in ticks, like all below
    /// Per size class: how long after its first event a run takes in others. At most R spans that
    /// start further apart than this fit into one window, so the ring never runs full again.
    std::array<std::uint32_t, size_classes> join;

    constexpr WindowSpans(std::uint64_t window_ms, std::uint64_t each_tick_ms)
        : tick_ms(each_tick_ms),
          window((window_ms + 2 * (each_tick_ms - 1)) / each_tick_ms),
          join{} {
        for (std::size_t i = 0; i < size_classes; ++i) {
            join[i] = static_cast<std::uint32_t>(window / (runs_max[i] - 1U));
        }
    }

    [[nodiscard]] constexpr std::uint64_t ticks_of(std::uint64_t time_ms) const noexcept {
        return tick_ms == 1 ? time_ms : time_ms / tick_ms;
    }
    /// Whether the stamps of packed runs tell all times apart that they have to.
    [[nodiscard]] constexpr bool fit_stamps() const noexcept {
        return window + join.front() <= std::numeric_limits<PackedRun::Stamp>::max();
    }
};

/// A slot and the right to touch it.
class [[nodiscard]] SlotLock {
public:
    SlotLock() noexcept = default;
    explicit SlotLock(Slot& slot) noexcept : slot_(&slot) { acquire(slot.lock); }
    SlotLock(SlotLock&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    SlotLock& operator=(SlotLock&& other) noexcept {
        if (this != &other) {
            unlock();
            slot_ = std::exchange(other.slot_, nullptr);
        }
        return *this;
    }
    ~SlotLock() { unlock(); }

    void unlock() noexcept {
        if (slot_ != nullptr)
            std::exchange(slot_, nullptr)->lock.store(0, std::memory_order_release);
    }
    explicit operator bool() const noexcept { return slot_ != nullptr; }
    Slot& operator*() const noexcept { return *slot_; }
    Slot* operator->() const noexcept { return slot_; }

private:
    /// A holder is done in some 20 ns, unless it was preempted: then spinning on would keep it from
    /// running where there are more threads than cores.
    static void acquire(std::atomic<std::uint8_t>& lock) noexcept {
        constexpr int pauses_max = 64;
        while (lock.exchange(1, std::memory_order_acquire) != 0) {
            for (int pauses = 0; lock.load(std::memory_order_relaxed) != 0; ++pauses) {
                if (pauses < pauses_max) {
                    pause();
                } else {
                    std::this_thread::yield();
                }
            }
        }
    }
    static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    Slot* slot_ = nullptr;
};

}  // namespace sluicegate::limit
