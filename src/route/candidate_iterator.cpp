#include "sluicegate/route/candidate_iterator.hpp"

#include "sluicegate/route/balance.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluicegate::route {

CandidateIterator::EntryProgress& CandidateIterator::progress_of(std::size_t index) {
    if (progress_.empty()) progress_.resize(route_.entries().size());
    return progress_[index];
}

void CandidateIterator::note_wait(Milliseconds wait) noexcept {
    Shortage& shortage = refused_;
    shortage.is_cooling = true;
    if (wait <= Milliseconds(0)) return;
    shortage.wait = shortage.wait == Milliseconds(0) ? wait : std::min(shortage.wait, wait);
}

CandidateIterator::Shortage CandidateIterator::shortage() const noexcept {
    Shortage shortage = found_;
    shortage.is_cooling |= refused_.is_cooling;
    if (refused_.wait != Milliseconds(0)) {
        shortage.wait = shortage.wait == Milliseconds(0) ? refused_.wait
                                                         : std::min(shortage.wait, refused_.wait);
    }
    return shortage;
}

CandidateIterator::Step CandidateIterator::next(Instant now) {
    found_ = {};
    full_.reset();
    if (attempts_ >= attempts_max_) return {};
    if (!first_) first_ = route_.pick(query_.user);
    for (const Tier wanted : {Tier::available, Tier::paced}) {
        Step step = try_all(wanted, now);
        if (step.kind != Step::nothing) return step;
    }
    // A slot that comes free is better than an attempt that will probably fail.
    Step step = try_queues(now);
    if (step.kind != Step::nothing) return step;
    return try_all(Tier::unhealthy, now);
}

/// Weighted entries go round from the one whose turn it is; the others follow in order.
std::size_t CandidateIterator::nth(std::size_t i) const noexcept {
    const std::size_t weighted = route_.weighted();
    if (i >= weighted) return i;
    const std::size_t index = *first_ + i;
    return index >= weighted ? index - weighted : index;
}

CandidateIterator::Step CandidateIterator::try_all(Tier wanted, Instant now) {
    const std::size_t entries = route_.entries().size();
    for (std::size_t i = 0; i < entries; ++i) {
        Step step = try_entry(nth(i), wanted, now);
        if (step.kind != Step::nothing) return step;
    }
    return {};
}

std::uint64_t CandidateIterator::closed_of(std::size_t index) const {
    const std::uint64_t tried = progress_.empty() ? 0 : progress_[index].tried;
    if (query_.pin == 0) return tried;
    const UpstreamHandle& upstream = *route_.entries()[index].handle;
    const std::size_t unused = UpstreamHandle::endpoints_max - upstream.endpoints().size();
    return tried | (~upstream.endpoints_of(query_.pin) & (~std::uint64_t{0} >> unused));
}

bool CandidateIterator::may_wait(std::size_t index, Instant now) const {
    if (!route_.entries()[index].handle->has_queue()) return false;
    if (progress_.empty()) return true;
    const bool is_late = is_waiting_ && now >= may_wait_until(index);
    return !progress_[index].has_waited && !is_late;
}

CandidateIterator::Step CandidateIterator::try_queues(Instant now) {
    if (full_) return Step{.kind = Step::wait, .entry = entry_ = *full_, .lease = {}};
    for (std::size_t i = 0; i < progress_.size(); ++i) {
        const std::size_t index = nth(i);
        const EntryProgress& progress = progress_[index];
        // It has waited here already, and the endpoint that failed it comes back.
        if (!progress.has_joined || progress.is_excluded) continue;
        const auto& endpoints = route_.entries()[index].handle->endpoints();
        bool is_left = false;
        for (std::size_t at = 0; at < endpoints.size(); ++at) {
            is_left |= ((closed_of(index) & ~progress.comes_back) >> at & 1U) == 0;
        }
        if (!is_left || !may_wait(index, now)) continue;
        return Step{.kind = Step::wait, .entry = entry_ = index, .lease = {}};
    }
    return {};
}

CandidateIterator::Step CandidateIterator::try_entry(std::size_t index, Tier wanted, Instant now) {
    const EntryProgress progress = progress_.empty() ? EntryProgress{} : progress_[index];
    if (progress.is_excluded) return {};
    const RouteEntry& entry = route_.entries()[index];
    if (query_.pin != 0 && entry.handle->endpoints_of(query_.pin) == 0) return {};
    const Quota::Availability quota = entry.quota->availability(query_.tokens, now);
    if (quota.kind == Quota::Availability::cooling) {
        found_.is_cooling = true;
        found_.wait =
            found_.wait == Milliseconds(0) ? quota.wait : std::min(found_.wait, quota.wait);
        return {};
    }
    const bool is_paced = quota.kind == Quota::Availability::paced;
    if (wanted != Tier::unhealthy && is_paced != (wanted == Tier::paced)) return {};

    bool is_full = false;
    auto lease = take(entry, closed_of(index), wanted, now, is_full);
    if (lease) {
        if (!progress_.empty()) progress_[index].is_from_queue = false;
        return offer(index, std::move(*lease));
    }
    if (!is_full) return {};
    found_.is_full = true;
    if (wanted == Tier::unhealthy || !may_wait(index, now)) return {};
    if (entry.handle->spills_first()) {
        if (!full_) full_ = index;
        return {};
    }
    entry_ = index;
    return Step{.kind = Step::wait, .entry = index, .lease = {}};
}

std::optional<Lease> CandidateIterator::take(const RouteEntry& entry, std::uint64_t tried,
                                             Tier wanted, Instant now, bool& is_full) const {
    const UpstreamHandle& upstream = *entry.handle;
    const auto& endpoints = upstream.endpoints();
    const bool wants_ready = wanted != Tier::unhealthy;
    // Requests that wait come before requests that arrive.
    const bool is_awaited = wants_ready && upstream.has_queue() && upstream.queue().length() > 0;
    if (endpoints.size() == 1) {
        if (tried != 0 || endpoints.front()->is_ready(now) != wants_ready) return std::nullopt;
        is_full = is_awaited || !endpoints.front()->slots.try_take();
        return is_full ? std::nullopt : take_one(upstream, 0, wanted, now);
    }
    std::array<Load, UpstreamHandle::endpoints_max> loads;
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const EndpointState& state = *endpoints[i];
        const bool fits = (tried >> i & 1U) == 0 && state.is_ready(now) == wants_ready;
        const bool has_room = !is_awaited && !state.slots.is_full();
        is_full |= fits && !has_room;
        loads[i] = {
            .id = state.id(), .in_flight = state.slots.in_flight(), .is_offered = fits && has_room};
    }
    const auto offered = std::span(loads).first(endpoints.size());
    const auto affinity = upstream.has_affinity() ? query_.affinity : std::nullopt;
    while (const auto endpoint = pick_endpoint(offered, query_.random, affinity)) {
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
std::optional<Lease> CandidateIterator::take_one(const UpstreamHandle& upstream,
                                                 std::size_t endpoint, Tier wanted,
                                                 Instant now) const {
    if (wanted == Tier::unhealthy) return Lease(upstream, endpoint, AttemptKind::last_resort, now);
    const auto kind = upstream.endpoints()[endpoint]->begin_attempt(now);
    Lease lease(upstream, endpoint, kind.value_or(AttemptKind::ordinary), now);
    if (!kind) return std::nullopt;
    return lease;
}

CandidateIterator::Step CandidateIterator::offer(std::size_t index, Lease lease) {
    ++attempts_;
    entry_ = index;
    endpoint_ = lease.endpoint();
    return Step{.kind = Step::send, .entry = index, .lease = std::move(lease)};
}

void CandidateIterator::refused_by_ceiling(Milliseconds wait) {
    --attempts_;
    progress_of(entry_).is_excluded = true;
    note_wait(wait);
}

void CandidateIterator::failed(Outcome outcome, bool is_connection_level, Milliseconds wait) {
    const std::vector<RouteEntry>& entries = route_.entries();
    const RouteEntry& tried = entries[entry_];
    // A request that has waited may go back to its queue: the server that it was sent to has died,
    // and nothing has worked on it.
    if (is_connection_level && !progress_.empty() && progress_[entry_].is_from_queue) {
        progress_[entry_].comes_back |= std::uint64_t{1} << endpoint_;
    }
    // Without a wait, this one server may have too much to do.
    const bool is_account_refused = outcome == Outcome::rate_limited && wait > Milliseconds(0);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (is_account_refused && entries[i].quota == tried.quota)
            progress_of(i).is_excluded = true;
        if (entries[i].handle != tried.handle) continue;
        if (is_connection_level || entries[i].upstream_model == tried.upstream_model) {
            progress_of(i).tried |= std::uint64_t{1} << endpoint_;
        }
    }
    if (outcome == Outcome::rate_limited) note_wait(wait);
}

void CandidateIterator::refused() {
    const auto& entries = route_.entries();
    const RouteEntry& tried = entries[entry_];
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const bool is_same =
            entries[i].handle == tried.handle && entries[i].upstream_model == tried.upstream_model;
        if (is_same) progress_of(i).is_excluded = true;
    }
}

QueueTicket CandidateIterator::join_queue(WaitQueue::Wake wake, Instant now) {
    EntryProgress& progress = progress_of(entry_);
    const UpstreamHandle& upstream = *route_.entries()[entry_].handle;
    if (!std::exchange(is_waiting_, true)) waiting_since_ = now;
    const bool is_back = std::exchange(progress.has_joined, true);
    return {upstream,        query_.user, ~closed_of(entry_) | progress.comes_back,
            std::move(wake), now,         is_back ? WaitQueue::Turn::first : WaitQueue::Turn::last};
}

CandidateIterator::Step CandidateIterator::after_wait(QueueTicket ticket, Instant now) {
    Lease lease = ticket.take(now);
    const bool may_send = route_.entries()[entry_].quota->availability(query_.tokens, now).kind !=
                          Quota::Availability::cooling;
    if (lease && may_send) {
        progress_[entry_].is_from_queue = true;
        return offer(entry_, std::move(lease));
    }
    lease.end();
    progress_[entry_].has_waited = true;
    return next(now);
}

}  // namespace sluicegate::route
