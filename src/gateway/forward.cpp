#include "gateway/forward.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/provider/final_error.hpp"

#include "gateway/queue_wait.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

using route::CandidateIterator;

/// What the ceiling of an account says.
struct CeilingAnswer {
    std::optional<Milliseconds> wait = std::nullopt;  ///< it is reached: how long to wait
    limit::Reservation held = {};
};

CeilingAnswer ask_ceiling(Request& request, const Routed& routed, const route::RouteEntry& entry,
                          Instant now) {
    const auto& ceiling = request.config().ceilings[entry.upstream];
    if (!ceiling) return {};
    const limit::Demand demand{.stated = 0, .guessed = routed.tokens.total};
    limit::Admission admission =
        request.worker.limiter.admit(ceiling->account, ceiling->model, ceiling->plan, demand, now);
    if (!admission.decision.admitted) return {.wait = admission.decision.retry_after};
    return {.held = std::move(admission.reservation)};
}

void begin_attempt(Request& request, const CandidateIterator& candidates, std::size_t index,
                   const route::RouteEntry& entry, Instant now) {
    Record& record = request.record;
    client::AnswerNotes& notes = request.client.notes;
    ++notes.attempts;
    notes.upstream = request.config().config.upstreams[entry.upstream].name;
    record.upstream = entry.upstream;
    record.route_entry = index;
    record.attempt_at = now;
    record.route_reason = notes.attempts > 1                   ? worker::RouteReason::failover
                          : index == candidates.first_choice() ? worker::RouteReason::share
                                                               : worker::RouteReason::spill;
    request.snapshot->upstream_counters[entry.upstream].attempts.add();
}

void note_failure(Request& request, const Routed& routed, const route::RouteEntry& entry,
                  Attempt& attempt, const Error& error) {
    const Instant now = request.worker.clock().now();
    attempt.report(failure_row(error.kind).attempt.outcome, error.retry_after);
    request.record.answered_at.reset();
    request.record.route_reason = worker::RouteReason::none;
    if (fault_of(error.kind) == Fault::upstream) {
        request.snapshot->count_error(entry.upstream, error.kind, request.worker.registry);
    }
    request.snapshot->upstream_counters[entry.upstream].total.observe(now - attempt.began_at());
    if (error.kind == ErrorKind::upstream_rate_limited) {
        const auto cooling = entry.quota->refused(routed.tokens.total, error.retry_after, now);
        if (cooling) {
            worker::Telemetry::note_cooling(request.config().config.upstreams[entry.upstream].name,
                                            entry.upstream_model, *cooling);
        }
    }
    // What the provider may have seen, it may have counted.
    if (attempt.was_sent()) attempt.settle_ceiling(0, now);
}

/// Whether another attempt may follow one that ended so.
bool may_try_again(Request& request, const Attempt& attempt, ErrorKind kind) {
    const FailureOfAttempt& failure = failure_row(kind).attempt;
    if (failure.next == NextAttempt::none || request.client.connection.has_gone()) return false;
    // The client was told whose answer it gets.
    if (request.client.events && request.client.events->names_upstream()) return false;
    if (!attempt.was_sent() || failure.begun == Begun::no) return true;
    const config::Retries& retries = request.config().config.retries;
    return failure.begun == Begun::likely ? retries.repeats_timeouts : retries.repeats_started;
}

/// Whether the attempt after one that ended with `last` is allowed for.
bool is_in_budget(Request& request, ErrorKind last, Instant now) {
    const bool is_free = failure_row(last).attempt.next == NextAttempt::free;
    const bool is_allowed = is_free || request.config().routes.retry_budget->try_retry(now);
    request.worker.telemetry.count_retry(is_allowed);
    return is_allowed;
}

provider::Untried untried_of(const CandidateIterator& candidates) {
    const CandidateIterator::Shortage shortage = candidates.shortage();
    provider::Untried untried{.quota_wait = std::nullopt, .is_full = shortage.is_full};
    if (shortage.is_cooling && shortage.wait > Milliseconds(0)) untried.quota_wait = shortage.wait;
    return untried;
}

/// What the client is told, unless it has left meanwhile.
Failure told(const Request& request, Error&& error) {
    if (request.client.connection.has_gone()) error.kind = ErrorKind::client_gone;
    return fail(std::move(error));
}

}  // namespace

net::Task<Forwarded> forward(Request& request, const Routed& routed) {
    using Step = CandidateIterator::Step;
    request.config().routes.retry_budget->request();
    CandidateIterator candidates(*routed.model->route, routed.query,
                                 request.config().config.retries.attempts_max);
    Forwarded forwarded;
    provider::FinalError final_error;
    std::optional<ErrorKind> last_error;
    Instant now = routed.admitted_at;
    for (;;) {
        Step step = candidates.next(now);
        while (step.kind == Step::wait) step = co_await wait_in_queue(request, routed, candidates);
        now = request.worker.clock().now();
        if (step.kind == Step::nothing) break;
        const route::RouteEntry& entry = routed.model->route->entries()[step.entry];
        CeilingAnswer ceiling = ask_ceiling(request, routed, entry, now);
        if (ceiling.wait) {
            step.lease.end();
            candidates.refused_by_ceiling(*ceiling.wait);
            continue;
        }
        if (last_error && !is_in_budget(request, *last_error, now)) {
            forwarded.attempt = told(request, std::move(final_error).take({}));
            co_return forwarded;
        }
        begin_attempt(request, candidates, step.entry, entry, now);
        auto attempt = std::make_unique<Attempt>(request, routed, entry, std::move(step.lease),
                                                 std::move(ceiling.held), now);
        auto answered = co_await attempt->run();
        forwarded.was_sent |= attempt->was_sent();
        if (answered) {
            entry.quota->accepted();
            forwarded.attempt = std::move(attempt);
            co_return forwarded;
        }
        Error& error = answered.error();
        note_failure(request, routed, entry, *attempt, error);
        if (!may_try_again(request, *attempt, error.kind)) {
            forwarded.attempt = told(request, std::move(error));
            co_return forwarded;
        }
        last_error = error.kind;
        const Outcome outcome = failure_row(error.kind).attempt.outcome;
        candidates.failed(outcome, outcome == Outcome::connect_failed, error.retry_after);
        final_error.note(std::move(error));
        now = request.worker.clock().now();
    }
    forwarded.attempt = told(request, std::move(final_error).take(untried_of(candidates)));
    co_return forwarded;
}

}  // namespace sluicegate::gateway
