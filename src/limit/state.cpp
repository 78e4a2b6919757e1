#include "sluicegate/limit/state.hpp"

#include "sluicegate/limit/journal.hpp"
#include "sluicegate/limit/limiter.hpp"

#include "limit/bounds.hpp"
#include "limit/run_log.hpp"
#include "limit/slot_table.hpp"
#include "limit/time.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace sluicegate::limit {
namespace {

/// A slot's runs, copied while it is locked: no memory is asked for under a spin byte.
class Copied {
public:
    Copied(StateWindow window, const WindowSpans& spans, std::uint64_t now_ms)
        : window_(window), spans_(spans), now_ms_(now_ms) {}

    void operator()(Slot& slot) {
        key_ = slot.key.load(std::memory_order_relaxed);
        count_ = 0;
        with_run_log(slot, spans_, [&](auto log) {
            log.visit([&](std::uint64_t time, std::uint64_t requests, std::uint64_t tokens) {
                const bool has_expired = spans_.ticks_of(now_ms_) >= time + spans_.window;
                if (has_expired || (requests == 0 && tokens == 0)) return;
                runs_[count_++] = {.age_ms = age_of(time), .requests = requests, .tokens = tokens};
            });
        });
    }

    /// Without what has expired; no runs: the slot counts nothing.
    [[nodiscard]] KeyState state() const {
        KeyState state{.user = UserId{static_cast<std::uint32_t>(key_ >> 32U)},
                       .model = ModelId{static_cast<std::uint32_t>(key_)},
                       .window = window_,
                       .is_shared = key_ == Slot::no_key};
        state.runs.assign(runs_.data(), runs_.data() + count_);
        if (state.is_shared) {
            state.user = UserId{};
            state.model = ModelId{};
        }
        return state;
    }

private:
    /// Since the end of the tick: what was charged in it is no younger.
    [[nodiscard]] std::int64_t age_of(std::uint64_t time) const {
        const std::uint64_t end_ms = (time + 1) * spans_.tick_ms - 1;
        return static_cast<std::int64_t>(now_ms_) - static_cast<std::int64_t>(end_ms);
    }

    StateWindow window_;
    const WindowSpans& spans_;
    std::uint64_t now_ms_;
    std::uint64_t key_ = 0;
    std::size_t count_ = 0;
    std::array<RunState, runs_max.back()> runs_{};
};

/// Shard by shard, so that no lock is held while the caller works. Shared slots come last: a key
/// that leaves one while we are under way takes its counts to a shard that we may have passed.
void visit_table(SlotTable& table, StateWindow window, std::uint64_t now_ms,
                 const std::function<void(const KeyState&)>& act) {
    Copied copied(window, table.spans(), now_ms);
    std::vector<KeyState> found;
    const auto keep = [&] {
        KeyState state = copied.state();
        if (!state.runs.empty()) found.push_back(std::move(state));
    };
    for (std::size_t shard = 0; shard < table.shards(); ++shard) {
        table.visit(shard, copied, keep);
        for (const KeyState& state : std::exchange(found, {})) act(state);
    }
    for (std::size_t i = 0; i < SlotTable::overflow_slots; ++i) {
        copied(*table.overflow_slot(i));
        keep();
    }
    for (const KeyState& state : found) act(state);
}

/// Charges a run of the past, or as much of it as fits into one run, and takes that off `left`. A
/// slot that counts something later already takes it at that time.
template <class Log>
Charge charge_past(Slot& slot, Log log, RunState& left, std::uint64_t time, bool may_grow) {
    if (slot.count == 0 && slot.in_flight == 0) log.start_at(time);
    log.advance(time);
    const std::uint64_t requests =
        std::min(left.requests, Bounds::requests_countable - slot.requests);
    const std::uint64_t tokens = std::min(left.tokens, Bounds::tokens_countable - slot.tokens);
    const std::uint64_t fitting = std::min<std::uint64_t>(requests, Log::run_requests_max);
    if (fitting < requests && may_grow) return Charge::needs_wide;
    const Charge room = log.make_room(static_cast<std::uint32_t>(fitting), may_grow);
    if (room != Charge::done) return room;
    log.charge(static_cast<std::uint32_t>(fitting), tokens);
    left.requests = requests - fitting;
    left.tokens = 0;
    return Charge::done;
}

/// `find` gives the slot, which may be a shared one; `grow` moves the key to a larger one.
template <class Find, class Grow>
void charge_all(const KeyState& state, const WindowSpans& spans, std::uint64_t now_ms,
                const Find& find, const Grow& grow) {
    for (const RunState& run : state.runs) {
        const auto age_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(run.age_ms, 0));
        std::uint64_t time = spans.ticks_of(now_ms - std::min(age_ms, now_ms));
        if (spans.ticks_of(now_ms) >= time + spans.window) continue;
        RunState left = run;
        for (bool may_grow = true; left.requests > 0 || left.tokens > 0;) {
            FoundSlot found = find();
            const Charge room = with_run_log(*found.slot, spans, [&](auto log) {
                return charge_past(*found.slot, log, left, time, may_grow && !found.is_overflow);
            });
            found.slot.unlock();
            if (room == Charge::needs_larger || room == Charge::needs_wide) {
                may_grow = grow(room == Charge::needs_wide);
            } else {
                ++time;  // for what is left: the next run begins when a join span is over
            }
        }
    }
}

void restore_into(SlotTable& table, const KeyState& state, std::uint64_t now_ms) {
    if (state.is_shared) {
        // Whose counts they are is not known, and a name's shared slot changes with its number:
        // each slot may have been anybody's.
        for (std::size_t i = 0; i < SlotTable::overflow_slots; ++i) {
            charge_all(
                state, table.spans(), now_ms,
                [&] {
                    FoundSlot shared;
                    shared.slot = table.overflow_slot(i);
                    shared.is_overflow = true;
                    return shared;
                },
                [](bool) { return false; });
        }
        return;
    }
    const Key key = Key::of(state.user, state.model);
    charge_all(
        state, table.spans(), now_ms,
        [&] { return table.find_or_make(key, table.spans().ticks_of(now_ms), false); },
        [&](bool to_wide) { return table.promote(key, to_wide); });
}

}  // namespace

void Limiter::visit_state(Instant now, const std::function<void(const KeyState&)>& act) const {
    visit_table(*minutes_, StateWindow::minute, to_ms(now), act);
    if (SlotTable* const days = days_.load(std::memory_order_acquire)) {
        visit_table(*days, StateWindow::day, to_ms(now), act);
    }
}

void Limiter::restore_state(const KeyState& state, Instant now) {
    SlotTable& table = state.window == StateWindow::day ? days() : *minutes_;
    restore_into(table, state, to_ms(now));
}

Milliseconds Limiter::window() const noexcept {
    return Milliseconds(static_cast<Milliseconds::rep>(minutes_->spans().window));
}

/// After the slots are free: a store to the journal may have to wait for the kernel. That tokens
/// were given back is not recorded: not to know it only makes a restart refuse more.
void Limiter::record(const Key& key, std::uint64_t at_ms, std::uint64_t tokens, bool is_request,
                     bool per_day) noexcept {
    Journal* const journal = journal_.load(std::memory_order_acquire);
    if (journal == nullptr) [[likely]]
        return;
    journal->append({.user = key.user(),
                     .model = key.model(),
                     .clock_ms = to_clock_ms(at_ms),
                     .tokens = tokens,
                     .is_request = is_request,
                     .per_minute = true,
                     .per_day = per_day});
}

}  // namespace sluicegate::limit
