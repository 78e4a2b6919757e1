#include "sluicegate/limit/state.hpp"

#include "sluicegate/limit/limiter.hpp"

#include "limit/bounds.hpp"
#include "limit/run_log.hpp"
#include "limit/slot_table.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace sluicegate::limit {
namespace {

/// Since the end of the tick: what was charged in it is no younger.
std::int64_t age_of(std::uint64_t time, const Window& window, std::uint64_t now_ms) {
    const std::uint64_t end_ms = (time + 1) * window.tick_ms - 1;
    return static_cast<std::int64_t>(now_ms) - static_cast<std::int64_t>(end_ms);
}

/// Adds the runs of a slot that count at `now_ms`, if there are any.
void copy_slot(Slot& slot, Window& window, std::uint64_t now_ms, KeyState state,
               std::vector<KeyState>& to) {
    RunLog(slot, window)
        .visit([&](std::uint64_t time, std::uint32_t requests, std::uint32_t tokens) {
            const bool has_expired = window.ticks_of(now_ms) >= time + window.length;
            if (has_expired || (requests == 0 && tokens == 0)) return;
            state.runs.push_back(
                {.age_ms = age_of(time, window, now_ms), .requests = requests, .tokens = tokens});
        });
    if (!state.runs.empty()) to.push_back(std::move(state));
}

void copy_slots(SlotMap& slots, StateWindow window, std::uint64_t now_ms,
                std::vector<KeyState>& to) {
    slots.visit([&](Slot& slot) {
        copy_slot(slot, slots.window(), now_ms,
                  {.user = user_of(slot.key), .model = model_of(slot.key), .window = window}, to);
    });
    copy_slot(slots.overflow(), slots.window(), now_ms, {.window = window, .is_shared = true}, to);
}

/// When a run was charged, in ticks; none if it has expired.
std::optional<std::uint64_t> time_of(const RunState& run, const Window& window,
                                     std::uint64_t now_ms) {
    const auto age_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(run.age_ms, 0));
    const std::uint64_t time = window.ticks_of(now_ms - std::min(age_ms, now_ms));
    if (window.ticks_of(now_ms) >= time + window.length) return std::nullopt;
    return time;
}

/// Charges runs of the past. A slot that counts something later already takes them at that time.
void charge_past(Slot& slot, Window& window, const std::vector<RunState>& runs,
                 std::uint64_t now_ms) {
    RunLog log(slot, window);
    for (const RunState& run : runs) {
        const auto time = time_of(run, window, now_ms);
        if (!time) continue;
        if (slot.count == 0 && slot.in_flight == 0) log.start_at(*time);
        log.advance(*time);
        const std::uint64_t countable = Bounds::requests_countable - slot.requests;
        log.charge(static_cast<std::uint32_t>(std::min(run.requests, countable)), run.tokens);
    }
}

}  // namespace

void Limiter::visit_state(Instant now, const std::function<void(const KeyState&)>& act) const {
    std::vector<KeyState> states;
    for (Shard& shard : table_->shards()) {
        {
            const std::lock_guard guard(shard.mutex);
            copy_slots(shard.minutes, StateWindow::minute, to_ms(now), states);
            copy_slots(shard.days, StateWindow::day, to_ms(now), states);
        }
        for (const KeyState& state : states) act(state);
        states.clear();
    }
}

void Limiter::restore_state(const KeyState& state, Instant now) {
    const std::uint64_t now_ms = to_ms(now);
    const auto slots_of = [&](Shard& shard) -> SlotMap& {
        return state.window == StateWindow::day ? shard.days : shard.minutes;
    };
    if (state.is_shared) {
        // Whose counts they are is not known, and a name's shard changes with its number: each
        // overflow slot may have been the one.
        for (Shard& shard : table_->shards()) {
            const std::lock_guard guard(shard.mutex);
            SlotMap& slots = slots_of(shard);
            charge_past(slots.overflow(), slots.window(), state.runs, now_ms);
        }
        return;
    }
    const Key key = key_of(state.user, state.model);
    Shard& shard = table_->shard_of(key);
    const std::lock_guard guard(shard.mutex);
    SlotMap& slots = slots_of(shard);
    const auto has_expired = [&](const RunState& run) {
        return !time_of(run, slots.window(), now_ms);
    };
    if (std::ranges::all_of(state.runs, has_expired)) return;
    const SlotMap::Found found = slots.find_or_make(key, slots.window().ticks_of(now_ms), false);
    charge_past(found.slot, slots.window(), state.runs, now_ms);
}

Milliseconds Limiter::window() const noexcept {
    return Milliseconds(static_cast<Milliseconds::rep>(table_->minute().length));
}

}  // namespace sluicegate::limit
