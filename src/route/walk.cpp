#include "sluicegate/route/walk.hpp"

#include "sluicegate/route/balance.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluicegate::route {

Walk::Mark& Walk::mark(std::size_t index) {
    if (marks_.empty()) marks_.resize(route_.entries().size());
    return marks_[index];
}

void Walk::note_wait(Milliseconds wait) noexcept {
    Left& left = refused_;
    left.is_cooling = true;
    if (wait <= Milliseconds(0)) return;
    left.wait = left.wait == Milliseconds(0) ? wait : std::min(left.wait, wait);
}

Walk::Left Walk::left() const noexcept {
    Left left = left_;
    left.is_cooling |= refused_.is_cooling;
    if (refused_.wait != Milliseconds(0)) {
        left.wait =
            left.wait == Milliseconds(0) ? refused_.wait : std::min(left.wait, refused_.wait);
    }
    return left;
}

Walk::Step Walk::next(Instant now) {
    left_ = {};
    if (attempts_ >= attempts_max_) return {};
    if (!first_) first_ = route_.pick(ask_.user);
    const std::size_t entries = route_.entries().size();
    const std::size_t weighted = route_.weighted();
    for (const Class wanted : {Class::available, Class::paced, Class::unwell}) {
        for (std::size_t i = 0; i < entries; ++i) {
            // From the one whose turn it is round to the one before it, then on.
            std::size_t index = i;
            if (i < weighted) {
                index = *first_ + i;
                if (index >= weighted) index -= weighted;
            }
            Step step = try_entry(index, wanted, now);
            if (step.kind != Step::nothing) return step;
        }
    }
    return {};
}

Walk::Step Walk::try_entry(std::size_t index, Class wanted, Instant now) {
    const Mark marked = marks_.empty() ? Mark{} : marks_[index];
    if (marked.is_out) return {};
    const Entry& entry = route_.entries()[index];
    const Quota::Verdict verdict = entry.quota->judge(ask_.tokens, now);
    if (verdict.kind == Quota::Verdict::cooling) {
        left_.is_cooling = true;
        left_.wait =
            left_.wait == Milliseconds(0) ? verdict.wait : std::min(left_.wait, verdict.wait);
        return {};
    }
    const bool is_paced = verdict.kind == Quota::Verdict::paced;
    if (wanted != Class::unwell && is_paced != (wanted == Class::paced)) return {};

    bool is_full = false;
    auto lease = take(entry, marked.tried, wanted, now, is_full);
    if (lease) return offer(index, std::move(*lease));
    if (!is_full) return {};
    left_.is_full = true;
    const UpstreamState& upstream = *entry.state;
    if (wanted == Class::unwell || !upstream.queues() || marked.has_waited) return {};
    entry_ = index;
    return Step{.kind = Step::wait, .entry = index, .lease = {}};
}

std::optional<Lease> Walk::take(const Entry& entry, std::uint64_t tried, Class wanted, Instant now,
                                bool& is_full) const {
    UpstreamState& upstream = *entry.state;
    const auto& endpoints = upstream.endpoints();
    const bool wants_well = wanted != Class::unwell;
    // Whoever waits comes before whoever comes.
    const bool is_awaited = wants_well && upstream.line().length() > 0;
    if (endpoints.size() == 1) {
        if (tried != 0 || endpoints.front()->is_well(now) != wants_well) return std::nullopt;
        is_full = is_awaited || !endpoints.front()->slots.try_take();
        return is_full ? std::nullopt : take_one(upstream, 0, wanted, now);
    }
    std::array<Load, UpstreamState::endpoints_max> loads;
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const EndpointState& state = *endpoints[i];
        const bool fits = (tried >> i & 1U) == 0 && state.is_well(now) == wants_well;
        const bool has_room = !is_awaited && !state.slots.is_full();
        is_full |= fits && !has_room;
        loads[i] = {
            .id = state.id(), .in_flight = state.slots.in_flight(), .is_offered = fits && has_room};
    }
    const auto offered = std::span(loads).first(endpoints.size());
    const auto affinity = upstream.has_affinity() ? ask_.affinity : std::nullopt;
    while (const auto endpoint = pick_endpoint(offered, ask_.random, affinity)) {
        offered[*endpoint].is_offered = false;
        if (!endpoints[*endpoint]->slots.try_take()) {
            is_full = true;
            continue;
        }
        if (auto lease = take_one(upstream, *endpoint, wanted, now)) {
            is_full = false;
            return lease;
        }
    }
    return std::nullopt;
}

/// Makes a lease of a slot that was taken.
std::optional<Lease> Walk::take_one(UpstreamState& upstream, std::size_t endpoint, Class wanted,
                                    Instant now) const {
    if (wanted == Class::unwell) return Lease(upstream, endpoint, Pass::last_resort, now);
    const auto pass = upstream.endpoints()[endpoint]->enter(now);
    Lease lease(upstream, endpoint, pass.value_or(Pass::ordinary), now);
    if (!pass) return std::nullopt;
    return lease;
}

Walk::Step Walk::offer(std::size_t index, Lease lease) {
    ++attempts_;
    entry_ = index;
    endpoint_ = lease.endpoint();
    return Step{.kind = Step::send, .entry = index, .lease = std::move(lease)};
}

void Walk::refused_by_ceiling(Milliseconds wait) {
    --attempts_;
    mark(entry_).is_out = true;
    note_wait(wait);
}

void Walk::failed(Outcome outcome, bool is_connection_level, Milliseconds wait) {
    const std::vector<Entry>& entries = route_.entries();
    const Entry& tried = entries[entry_];
    // Without a wait it may be this one server that has too much to do.
    const bool is_account_refused = outcome == Outcome::rate_limited && wait > Milliseconds(0);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (is_account_refused && entries[i].quota == tried.quota) mark(i).is_out = true;
        if (entries[i].state != tried.state) continue;
        if (is_connection_level || entries[i].upstream_model == tried.upstream_model) {
            mark(i).tried |= std::uint64_t{1} << endpoint_;
        }
    }
    if (outcome == Outcome::rate_limited) note_wait(wait);
}

Place Walk::line_up(WaitingLine::Wake wake, Instant now) {
    Mark& marked = mark(entry_);
    marked.has_waited = true;
    return {*route_.entries()[entry_].state, ask_.user, ~marked.tried, std::move(wake), now};
}

Walk::Step Walk::waited(Place place, Instant now) {
    Lease lease = place.take(now);
    const bool may_send =
        route_.entries()[entry_].quota->judge(ask_.tokens, now).kind != Quota::Verdict::cooling;
    if (lease && may_send) return offer(entry_, std::move(lease));
    lease.end();
    return next(now);
}

}  // namespace sluicegate::route
