#pragma once
/// The counters, gauges and histograms of one process.
///
/// A handle is looked up once, under a mutex. Updates need no lock and share nothing: every thread
/// writes its own cells on its own cache lines, and a scrape adds them up.
///
/// Threads    any, for everything. A cell outlives the thread that wrote it.
/// Ownership  handles point into their Registry and must not outlive it. Copies are free.
/// Bounds     series_cells_max. A further series is refused and counted in
///            metrics_series_refused_total: its handle works, but is never shown.
/// Errors     std::bad_alloc ends the process. A wrong type or number of labels is a defect of the
///            caller (assert).

#include "sluicegate/metrics/catalogue.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::metrics {

class Registry;

namespace detail {

inline constexpr std::size_t cells_per_chunk = 512;
inline constexpr std::size_t chunks_max = 128;

/// Written by one thread, read by any.
using Cell = std::atomic<std::int64_t>;

struct alignas(64) Chunk {
    std::array<Cell, cells_per_chunk> cells{};
};

/// The cells of one thread in one registry, allocated when that thread first writes.
struct Shard {
    std::array<std::atomic<Chunk*>, chunks_max> chunks{};
    Shard() = default;
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;
    ~Shard();
};

/// The shard that this thread wrote last. Each registry has a number that is never reused.
struct CurrentShard {
    std::uint64_t registry = 0;
    Shard* shard = nullptr;
};
inline constinit thread_local CurrentShard current_shard{};

/// There is only one writer, so no locked instruction is needed.
inline void add_to(Cell& cell, std::int64_t amount) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace detail

/// Only ever grows.
class Counter {
public:
    void add(std::int64_t amount = 1) noexcept;

private:
    friend class Registry;
    Counter(Registry& registry, std::uint32_t cell) noexcept : registry_(&registry), cell_(cell) {}
    Registry* registry_;
    std::uint32_t cell_;
};

/// Goes up and down. A thread may subtract what another has added.
class Gauge {
public:
    void add(std::int64_t amount = 1) noexcept;
    void subtract(std::int64_t amount = 1) noexcept { add(-amount); }

private:
    friend class Registry;
    Gauge(Registry& registry, std::uint32_t cell) noexcept : registry_(&registry), cell_(cell) {}
    Registry* registry_;
    std::uint32_t cell_;
};

/// Durations, counted in the buckets of bucket_bounds(). A negative one counts as zero.
class Histogram {
public:
    void observe(std::chrono::nanoseconds duration) noexcept;

private:
    friend class Registry;
    Histogram(Registry& registry, std::uint32_t cell) noexcept
        : registry_(&registry), cell_(cell) {}
    Registry* registry_;
    std::uint32_t cell_;
};

class Registry {
public:
    using LabelValues = std::initializer_list<std::string_view>;

    /// Integers per thread: a counter or gauge needs 1, a histogram one per bucket and one for the
    /// sum. Memory is allocated in chunks of 4 KiB, and only for series that a thread uses.
    static constexpr std::size_t series_cells_max = detail::cells_per_chunk * detail::chunks_max;

    /// Every metric without labels exists from the start, at 0.
    Registry();
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// The series with these label values, which are in the order of the catalogue. A new series is
    /// created.
    [[nodiscard]] Counter counter(Metric metric, LabelValues values = {});
    [[nodiscard]] Gauge gauge(Metric metric, LabelValues values = {});
    [[nodiscard]] Histogram histogram(Metric metric, LabelValues values = {});

    /// Sets a measured value, in the unit of the catalogue. Not for hot paths, and not for series
    /// to which a handle adds.
    void set(Metric metric, std::int64_t value, LabelValues values = {});
    /// The same, and removes every other series of the metric: for facts such as config_info.
    void set_only(Metric metric, std::int64_t value, LabelValues values);

    struct Sample {
        std::vector<std::string> labels;
        /// One value. For a histogram: the count of each bucket (not cumulative), then the sum.
        std::vector<std::int64_t> values;
    };
    /// Replaces all series of a metric by these, in one step: a scrape sees all of them or none.
    /// For values that are measured before a scrape. As with set(), not for series to which a
    /// handle adds.
    void set_all(Metric metric, const std::vector<Sample>& samples);
    /// All series of a metric, sorted by their label values.
    [[nodiscard]] std::vector<Sample> collect(Metric metric) const;

private:
    friend class Counter;
    friend class Gauge;
    friend class Histogram;

    struct Series {
        std::optional<std::uint32_t> first_cell;  ///< none until a handle is asked for
        std::int64_t fixed = 0;                   ///< what set() said, added to the cells
    };
    using Family = std::map<std::vector<std::string>, Series>;

    std::uint32_t first_cell_of(Metric metric, Type type, LabelValues values);
    /// The caller holds the mutex.
    Series& series_of(Metric metric, LabelValues values);
    std::optional<std::uint32_t> take_cells(std::size_t count);
    std::int64_t sum_of(std::uint32_t cell) const;
    detail::Cell* cells(std::uint32_t first) noexcept;
    detail::Cell* make_cells(std::uint32_t first);

    const std::uint64_t serial_;
    mutable std::mutex mutex_;  ///< guards the members below; not locked by updates
    std::array<Family, static_cast<std::size_t>(Metric::count_)> families_;
    std::map<std::uint64_t, std::unique_ptr<detail::Shard>> shards_;  ///< by thread number
    std::size_t cells_used_ = 0;
};

inline detail::Cell* Registry::cells(std::uint32_t first) noexcept {
    const detail::CurrentShard& current = detail::current_shard;
    if (current.registry == serial_) [[likely]] {
        auto& slot = current.shard->chunks[first / detail::cells_per_chunk];
        if (detail::Chunk* chunk = slot.load(std::memory_order_relaxed)) [[likely]] {
            return &chunk->cells[first % detail::cells_per_chunk];
        }
    }
    return make_cells(first);
}

inline void Counter::add(std::int64_t amount) noexcept {
    detail::add_to(*registry_->cells(cell_), amount);
}

inline void Gauge::add(std::int64_t amount) noexcept {
    detail::add_to(*registry_->cells(cell_), amount);
}

}  // namespace sluicegate::metrics
