// What does one decision of the limiter cost, in ns? (requests, tokens and concurrency together)
//
// Each call is one step of time and one decision, settled at once where the name says so. Keys are
// drawn uniformly, in an order made beforehand. `Journaled`: each admission is also recorded for a
// restart. `SaveState` exports all keys. Two tables as they are commonly built get the same calls:
// an unordered_map of strings in shards with a mutex, and one flat map of integers behind one
// mutex. Each holds the cheapest counter, a fixed window. `Dram` is one memory access that depends
// on the one before, over 128 bytes for each key.
//
// Repetitions are interleaved by --benchmark_enable_random_interleaving=true; compare medians.

#include "sluicegate/limit/journal.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/limit/state_codec.hpp"

#include <benchmark/benchmark.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <sys/mman.h>
#include <unordered_map>
#include <vector>

namespace sluicegate::limit {
namespace {

constexpr std::uint32_t models = 4;
constexpr Plan plan{.rpm = 600'000'000, .tpm = 1'000'000'000, .concurrency = 1000};
/// A plan that every key has used up.
constexpr Plan full{.rpm = 1, .tpm = 1, .concurrency = 1000};
constexpr std::int64_t tokens = 1;
constexpr Demand demand{.stated = tokens};

struct Caller {
    UserId user;
    ModelId model;
};

Caller caller_of(std::uint32_t key) {
    return {UserId{key / models}, ModelId{key % models}};
}

Instant at(std::int64_t ms) {
    return Instant(Milliseconds(ms));
}

/// Keys in the order of the calls; too long for a predictor to learn.
const std::vector<std::uint32_t>& order_of(std::uint32_t keys) {
    static std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> orders;
    std::vector<std::uint32_t>& order = orders[keys];
    if (order.empty()) {
        std::mt19937 random(keys);
        order.resize(std::size_t{1} << 22U);
        for (std::uint32_t& key : order) key = static_cast<std::uint32_t>(random() % keys);
    }
    return order;
}

/// One limiter per number of keys, all keys active.
Limiter& limiter_of(std::uint32_t keys) {
    static std::unordered_map<std::uint32_t, std::unique_ptr<Limiter>> limiters;
    std::unique_ptr<Limiter>& limiter = limiters[keys];
    if (limiter == nullptr) {
        limiter = std::make_unique<Limiter>(Settings{.slots = std::max(keys, 1024U)});
        for (std::uint32_t key = 0; key < keys; ++key) {
            const Caller caller = caller_of(key);
            limiter->admit(caller.user, caller.model, plan, demand, at(0))
                .reservation.settle(tokens, at(0));
        }
    }
    return *limiter;
}

void report(benchmark::State& state, const Limiter& limiter, std::uint32_t keys) {
    state.SetItemsProcessed(state.iterations());
    state.counters["bytes_per_key"] = static_cast<double>(limiter.counts().bytes_mapped) / keys;
}

/// The calls in the order of the keys.
class Calls {
public:
    Calls(Limiter& limiter, std::uint32_t keys) : limiter_(limiter), order_(order_of(keys)) {}
    Admission admit(std::size_t i, const Plan& by, Instant now) const {
        const Caller caller = caller_of(order_[i & (order_.size() - 1)]);
        return limiter_.admit(caller.user, caller.model, by, demand, now);
    }

private:
    Limiter& limiter_;
    const std::vector<std::uint32_t>& order_;
};

void decide(benchmark::State& state) {
    const auto keys = static_cast<std::uint32_t>(state.range(0));
    Limiter& limiter = limiter_of(keys);
    const Calls calls(limiter, keys);
    // Time runs so fast that each key sees few calls in one window.
    std::int64_t now_us = 0;
    const std::int64_t step_us = std::max<std::int64_t>(1, 10'000'000 / keys);
    std::size_t i = 0;
    for (auto _ : state) {
        now_us += step_us;
        Admission admission = calls.admit(i++, plan, at(now_us / 1000));
        benchmark::DoNotOptimize(admission.decision.admitted);
        admission.reservation.settle(tokens, at(now_us / 1000));
    }
    report(state, limiter, keys);
}

/// The decision alone: reservations are kept, and settled while the time is not taken.
void admit_only(benchmark::State& state) {
    constexpr std::size_t batch = 512;
    Limiter limiter({.slots = 1024});
    std::vector<Reservation> held(batch);
    std::int64_t now_us = 0;
    while (state.KeepRunningBatch(batch)) {
        for (Reservation& reservation : held) {
            now_us += 100;
            Admission admission =
                limiter.admit(UserId{1}, ModelId{1}, plan, demand, at(now_us / 1000));
            benchmark::DoNotOptimize(admission.decision.admitted);
            reservation = std::move(admission.reservation);
        }
        state.PauseTiming();
        for (Reservation& reservation : held) reservation.settle(tokens, at(now_us / 1000));
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations());
}

/// The same with a journal in memory, whose pages are in use already.
void journaled(benchmark::State& state) {
    constexpr std::size_t records = std::size_t{1} << 20U;
    static std::vector<JournalRecord> ring(records);
    Journal journal(ring, Journal::end_of(ring));
    Limiter limiter({.slots = 1024});
    limiter.set_journal(&journal);
    std::int64_t now_us = 0;
    for (auto _ : state) {
        now_us += 100;
        Admission admission = limiter.admit(UserId{1}, ModelId{1}, plan, demand, at(now_us / 1000));
        benchmark::DoNotOptimize(admission.decision.admitted);
        admission.reservation.settle(tokens, at(now_us / 1000));
    }
    state.SetItemsProcessed(state.iterations());
}

void save_state(benchmark::State& state) {
    const auto keys = static_cast<std::uint32_t>(state.range(0));
    Limiter limiter({.slots = keys});
    for (std::uint32_t key = 0; key < keys; ++key) {
        const Caller caller = caller_of(key);
        limiter.admit(caller.user, caller.model, plan, demand, at(0))
            .reservation.settle(tokens, at(0));
    }
    const StateNames names{.users = std::vector<std::string>(keys / models + 1, "user"),
                           .models = std::vector<std::string>(models, "model")};
    std::size_t bytes = 0;
    for (auto _ : state) {
        StateEncoder encoder({}, names);
        limiter.visit_state(at(1), [&](const KeyState& key) {
            encoder.add(key);
            if (encoder.pending() > (std::size_t{1} << 20U)) bytes += encoder.take().size();
        });
        bytes += encoder.finish().size();
    }
    state.counters["bytes_per_key"] =
        static_cast<double>(bytes) / keys / static_cast<double>(state.iterations());
}

/// Refused: a user who has used up a limit, and the decision without its settlement.
void refuse(benchmark::State& state) {
    const auto keys = static_cast<std::uint32_t>(state.range(0));
    Limiter& limiter = limiter_of(keys);
    const Calls calls(limiter, keys);
    std::size_t i = 0;
    // Slots whose clock is ahead stand still: their counts stay.
    for (auto _ : state) {
        const Admission admission = calls.admit(i++, full, at(0));
        benchmark::DoNotOptimize(admission.decision.admitted);
    }
    report(state, limiter, keys);
}

/// Each call needs the result of the one before: what a lone request waits for.
void refuse_serialised(benchmark::State& state) {
    const auto keys = static_cast<std::uint32_t>(state.range(0));
    Limiter& limiter = limiter_of(keys);
    const Calls calls(limiter, keys);
    std::size_t i = 0;
    for (auto _ : state) {
        const Admission admission = calls.admit(i, full, at(0));
        // Always 1, but neither compiler nor processor can know that before the result is there.
        i += 1U + static_cast<std::size_t>(admission.decision.requests.remaining);
    }
    report(state, limiter, keys);
}

/// Minute and day: two slots are checked and charged.
void decide_by_day(benchmark::State& state) {
    const auto keys = static_cast<std::uint32_t>(state.range(0));
    constexpr Plan both{.rpm = 600'000'000,
                        .tpm = 1'000'000'000,
                        .rpd = 600'000'000,
                        .tpd = 1'000'000'000,
                        .concurrency = 1000};
    Limiter limiter({.slots = std::max(keys, 1024U)});
    const std::vector<std::uint32_t>& order = order_of(keys);
    std::int64_t now_us = 0;
    const std::int64_t step_us = std::max<std::int64_t>(1, 10'000'000 / keys);
    std::size_t i = 0;
    for (auto _ : state) {
        const Caller caller = caller_of(order[i++ & (order.size() - 1)]);
        now_us += step_us;
        Admission admission =
            limiter.admit(caller.user, caller.model, both, demand, at(now_us / 1000));
        benchmark::DoNotOptimize(admission.decision.admitted);
        admission.reservation.settle(tokens, at(now_us / 1000));
    }
    state.SetItemsProcessed(state.iterations());
}

/// A key that is new to a full table, where every second slot has just become idle.
void newcomer(benchmark::State& state) {
    const auto slots = static_cast<std::uint32_t>(state.range(0));
    std::unique_ptr<Limiter> limiter;
    std::uint32_t key = 0;
    for (auto _ : state) {
        if (key % slots == 0) {
            state.PauseTiming();
            limiter = std::make_unique<Limiter>(Settings{.slots = slots});
            for (key = 0; key < slots; ++key) {
                const Caller caller = caller_of(key);
                limiter->admit(caller.user, caller.model, plan, demand, at(key % 2 * 30'000))
                    .reservation.settle(tokens, at(key % 2 * 30'000));
            }
            state.ResumeTiming();
        }
        const Caller caller = caller_of(key++);
        Admission admission = limiter->admit(caller.user, caller.model, plan, demand, at(60'000));
        benchmark::DoNotOptimize(admission.decision.admitted);
        admission.reservation.settle(tokens, at(60'000));
    }
    state.SetItemsProcessed(state.iterations());
}

void dram(benchmark::State& state) {
    const std::size_t lines = static_cast<std::size_t>(state.range(0)) * 2;
    const std::size_t bytes = lines * 64;
    auto* memory = static_cast<std::uint32_t*>(
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::madvise(memory, bytes, MADV_HUGEPAGE);
    std::vector<std::uint32_t> chain(lines);
    std::iota(chain.begin(), chain.end(), 0U);
    std::mt19937 random(1);
    for (std::size_t i = lines - 1; i > 0; --i) std::swap(chain[i], chain[random() % i]);
    for (std::size_t i = 0; i < lines; ++i) memory[i * 16] = chain[i];
    std::size_t line = 0;
    for (auto _ : state) line = memory[line * 16];
    benchmark::DoNotOptimize(line);
    ::munmap(memory, bytes);
}

/// The cheapest counter, which the tables below hold for each key.
struct FixedWindow {
    std::int64_t started_ms = 0;
    std::int64_t requests = 0;
    std::int64_t tokens = 0;
    std::int64_t in_flight = 0;

    bool admit(std::int64_t now_ms) {
        if (now_ms - started_ms >= 60'000) *this = {.started_ms = now_ms, .in_flight = in_flight};
        if (requests + 1 > *plan.rpm || tokens + 1 > *plan.tpm || in_flight >= *plan.concurrency) {
            return false;
        }
        ++requests;
        ++tokens;
        ++in_flight;
        return true;
    }
};

/// "user:model" in an unordered_map, 64 shards with a mutex each: what most gateways do.
class StringTable {
public:
    bool admit(std::uint32_t key, std::int64_t now_ms) {
        const std::string name = name_of(key);
        Shard& shard = shard_of(name);
        const std::lock_guard guard(shard.mutex);
        return shard.windows[name].admit(now_ms);
    }
    void settle(std::uint32_t key) {
        const std::string name = name_of(key);
        Shard& shard = shard_of(name);
        const std::lock_guard guard(shard.mutex);
        --shard.windows[name].in_flight;
    }

private:
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, FixedWindow> windows;
    };
    static std::string name_of(std::uint32_t key) {
        return "user-" + std::to_string(key / models) + ":gpt-4o-" + std::to_string(key % models);
    }
    Shard& shard_of(const std::string& name) {
        return shards_[std::hash<std::string>{}(name) % shards_.size()];
    }
    std::vector<Shard> shards_ = std::vector<Shard>(64);
};

/// Integers in Boost's flat map behind one mutex.
class FlatTable {
public:
    bool admit(std::uint32_t key, std::int64_t now_ms) {
        const std::lock_guard guard(mutex_);
        return windows_[key].admit(now_ms);
    }
    void settle(std::uint32_t key) {
        const std::lock_guard guard(mutex_);
        --windows_[key].in_flight;
    }

private:
    std::mutex mutex_;
    boost::unordered_flat_map<std::uint64_t, FixedWindow> windows_;
};

template <class Table>
void decide_by(benchmark::State& state) {
    const auto keys = static_cast<std::uint32_t>(state.range(0));
    static std::unordered_map<std::uint32_t, std::unique_ptr<Table>> tables;
    std::unique_ptr<Table>& table = tables[keys];
    if (table == nullptr) {
        table = std::make_unique<Table>();
        for (std::uint32_t key = 0; key < keys; ++key) {
            table->admit(key, 0);
            table->settle(key);
        }
    }
    const std::vector<std::uint32_t>& order = order_of(keys);
    std::int64_t now_us = 0;
    const std::int64_t step_us = std::max<std::int64_t>(1, 10'000'000 / keys);
    std::size_t i = 0;
    for (auto _ : state) {
        const std::uint32_t key = order[i++ & (order.size() - 1)];
        now_us += step_us;
        benchmark::DoNotOptimize(table->admit(key, now_us / 1000));
        table->settle(key);
    }
    state.SetItemsProcessed(state.iterations());
}

/// All threads call for one key.
void one_hot_key(benchmark::State& state) {
    static Limiter limiter({.slots = 1024});
    constexpr Plan unlimited{.rpm = Plan::value_max, .tpm = Plan::value_max};
    std::int64_t calls = 0;
    for (auto _ : state) {
        Admission admission =
            limiter.admit(UserId{1}, ModelId{1}, unlimited, {}, at(++calls / 4096));
        benchmark::DoNotOptimize(admission.decision.admitted);
        admission.reservation.settle(0, at(calls / 4096));
    }
    state.SetItemsProcessed(state.iterations());
}

void ours(benchmark::internal::Benchmark* bench) {
    bench->Arg(1)->Arg(1000)->Arg(1'000'000)->Arg(10'000'000);
}
void others(benchmark::internal::Benchmark* bench) {
    bench->Arg(1)->Arg(1000)->Arg(1'000'000);
}

BENCHMARK(admit_only)->Name("Admit");
BENCHMARK(journaled)->Name("AdmitAndSettleJournaled");
BENCHMARK(save_state)->Name("SaveState")->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(decide)->Name("AdmitAndSettle")->Apply(ours);
BENCHMARK(refuse)->Name("Refuse")->Apply(ours);
BENCHMARK(refuse_serialised)->Name("RefuseSerialised")->Apply(ours);
BENCHMARK(decide_by_day)->Name("AdmitAndSettleByDay")->Apply(others);
BENCHMARK(newcomer)->Name("NewcomerToAFullTable")->Arg(4096)->Arg(65'536)->Arg(1'000'000);
BENCHMARK(dram)->Name("Dram")->Apply(ours);
BENCHMARK(decide_by<StringTable>)->Name("UnorderedMapOfStrings")->Apply(others);
BENCHMARK(decide_by<FlatTable>)->Name("FlatMapOneMutex")->Apply(others);
BENCHMARK(one_hot_key)->Name("OneHotKey")->ThreadRange(1, 2)->UseRealTime();

}  // namespace
}  // namespace sluicegate::limit
