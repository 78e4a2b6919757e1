#include "sluicegate/metrics/registry.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluicegate::metrics {
namespace {

/// The first cells belong to no series: all series beyond the bound write there.
constexpr std::uint32_t refused_cell = 0;

std::atomic<std::uint64_t> last_registry{0};
std::atomic<std::uint64_t> last_thread{0};

std::uint64_t this_thread_number() noexcept {
    thread_local const std::uint64_t number = ++last_thread;
    return number;
}

/// A histogram has a cell for each bucket, the unbounded one included, and one for the sum.
std::size_t cells_of(Type type) noexcept {
    return type == Type::histogram ? bucket_bounds().size() + 2 : 1;
}

}  // namespace

namespace detail {

Shard::~Shard() {
    for (const auto& chunk : chunks) delete chunk.load(std::memory_order_relaxed);
}

}  // namespace detail

Registry::Registry() : serial_(++last_registry), cells_used_(cells_of(Type::histogram)) {
    for (const Definition& definition : catalogue()) {
        if (definition.labels.empty()) set(definition.metric, 0);
    }
}

Registry::~Registry() = default;

Counter Registry::counter(Metric metric, LabelValues values) {
    return {*this, first_cell_of(metric, Type::counter, values)};
}

Gauge Registry::gauge(Metric metric, LabelValues values) {
    return {*this, first_cell_of(metric, Type::gauge, values)};
}

Histogram Registry::histogram(Metric metric, LabelValues values) {
    return {*this, first_cell_of(metric, Type::histogram, values)};
}

void Registry::set(Metric metric, std::int64_t value, LabelValues values) {
    assert(definition_of(metric).type != Type::histogram);
    const std::lock_guard lock(mutex_);
    series_of(metric, values).fixed = value;
}

void Registry::set_only(Metric metric, std::int64_t value, LabelValues values) {
    const std::lock_guard lock(mutex_);
    families_[static_cast<std::size_t>(metric)].clear();
    series_of(metric, values).fixed = value;
}

void Registry::set_all(Metric metric, const std::vector<Sample>& samples) {
    assert(definition_of(metric).type != Type::histogram);
    Family family;
    for (const Sample& sample : samples) {
        assert(sample.labels.size() == definition_of(metric).labels.size());
        family[sample.labels].fixed = sample.values.front();
    }
    const std::lock_guard lock(mutex_);
    families_[static_cast<std::size_t>(metric)].swap(family);
}

std::vector<Registry::Sample> Registry::collect(Metric metric) const {
    const std::size_t count = cells_of(definition_of(metric).type);
    const std::lock_guard lock(mutex_);
    std::vector<Sample> samples;
    for (const auto& [labels, series] : families_[static_cast<std::size_t>(metric)]) {
        Sample sample{.labels = labels, .values = std::vector<std::int64_t>(count)};
        for (std::size_t i = 0; series.first_cell && i < count; ++i) {
            sample.values[i] = sum_of(*series.first_cell + static_cast<std::uint32_t>(i));
        }
        sample.values.front() += series.fixed;
        samples.push_back(std::move(sample));
    }
    return samples;
}

std::uint32_t Registry::first_cell_of(Metric metric, Type type, LabelValues values) {
    assert(definition_of(metric).type == type);
    assert(values.size() == definition_of(metric).labels.size());
    const std::lock_guard lock(mutex_);
    Family& family = families_[static_cast<std::size_t>(metric)];
    const auto [entry, is_new] = family.try_emplace({values.begin(), values.end()});
    auto& first_cell = entry->second.first_cell;
    if (!first_cell) first_cell = take_cells(cells_of(type));
    if (first_cell) return *first_cell;
    if (is_new) family.erase(entry);
    ++series_of(Metric::metrics_series_refused_total, {}).fixed;
    return refused_cell;
}

Registry::Series& Registry::series_of(Metric metric, LabelValues values) {
    assert(values.size() == definition_of(metric).labels.size());
    return families_[static_cast<std::size_t>(metric)][{values.begin(), values.end()}];
}

/// The cells of one series lie in one chunk.
std::optional<std::uint32_t> Registry::take_cells(std::size_t count) {
    std::size_t first = cells_used_;
    if (first % detail::cells_per_chunk + count > detail::cells_per_chunk) {
        first += detail::cells_per_chunk - first % detail::cells_per_chunk;
    }
    if (first + count > series_cells_max) return std::nullopt;
    cells_used_ = first + count;
    return static_cast<std::uint32_t>(first);
}

std::int64_t Registry::sum_of(std::uint32_t cell) const {
    std::int64_t sum = 0;
    for (const auto& [thread, shard] : shards_) {
        const auto& slot = shard->chunks[cell / detail::cells_per_chunk];
        if (const detail::Chunk* chunk = slot.load(std::memory_order_acquire)) {
            sum += chunk->cells[cell % detail::cells_per_chunk].load(std::memory_order_relaxed);
        }
    }
    return sum;
}

detail::Cell* Registry::make_cells(std::uint32_t first) {
    const std::lock_guard lock(mutex_);
    auto& shard = shards_[this_thread_number()];
    if (shard == nullptr) shard = std::make_unique<detail::Shard>();
    detail::current_shard = {.registry = serial_, .shard = shard.get()};
    auto& slot = shard->chunks[first / detail::cells_per_chunk];
    detail::Chunk* chunk = slot.load(std::memory_order_relaxed);
    if (chunk == nullptr) {
        chunk = new detail::Chunk;
        slot.store(chunk, std::memory_order_release);
    }
    return &chunk->cells[first % detail::cells_per_chunk];
}

void Histogram::observe(std::chrono::nanoseconds duration) noexcept {
    const std::int64_t value = std::max<std::int64_t>(duration.count(), 0);
    const auto bounds = bucket_bounds();
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
    detail::Cell* const cells = registry_->cells(cell_);
    detail::add_to(cells[bucket], 1);
    detail::add_to(cells[bounds.size() + 1], value);
}

}  // namespace sluicegate::metrics
