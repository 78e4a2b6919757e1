#include "gateway/forward.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/final_error.hpp"

#include "gateway/queue_wait.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

/// So much of an upstream's words stands in the log.
constexpr std::size_t logged_words_max = 300;

/// The words of an upstream, behind what is said of the attempt for the log.
void log_words(Error& error) {
    const std::string& words = error.upstream_words.text();
    if (words.empty()) return;
    std::size_t size = std::min(words.size(), logged_words_max);
    while (size < words.size() && (static_cast<unsigned char>(words[size]) & 0xC0U) == 0x80U) {
        --size;
    }
    error.detail.append(": ").append(words, 0, size);
}

/// Whether the request itself was refused, and its model's fallback_on lets another candidate try.
bool falls_back(const Request& request, const Routed& routed, FallbackReason reason) noexcept {
    if (!routed.model->settings->fallback_on.holds(reason)) return false;
    const auto& events = request.client.events;
    return !request.client.connection.has_gone() && !(events && events->names_upstream());
}

bool falls_back(const Request& request, const Routed& routed, const Error& error) noexcept {
    const bool is_of_request =
        error.kind == ErrorKind::upstream_rejected || error.kind == ErrorKind::upstream_failed;
    return is_of_request && falls_back(request, routed, error.fallback_reason);
}

/// The first refusal after which fallback_on led to another candidate. It is what the client gets
/// where none of them answers.
class FirstRefusal {
public:
    FirstRefusal(Request& request, Result<std::unique_ptr<Attempt>>&& what)
        : upstream_(request.record.upstream),
          upstream_name_(request.client.notes.upstream),
          route_entry_(request.record.route_entry),
          route_reason_(request.record.route_reason),
          attempt_at_(request.record.attempt_at),
          answered_at_(request.record.answered_at),
          what_(std::move(what)) {}

    /// The record tells of this attempt again. `detail` tells the log of all of them.
    Result<std::unique_ptr<Attempt>> take(Request& request, std::string&& detail) && {
        restore(request);
        if (!what_ && !detail.empty()) what_.error().detail = std::move(detail);
        if (what_) request.client.sent.error_detail = std::move(detail);
        return std::move(what_);
    }

private:
    void restore(Request& request) const {
        request.client.notes.upstream = upstream_name_;
        request.record.upstream = upstream_;
        request.record.route_entry = route_entry_;
        request.record.route_reason = route_reason_;
        request.record.attempt_at = attempt_at_;
        request.record.answered_at = answered_at_;
    }

    std::optional<std::size_t> upstream_;
    std::string_view upstream_name_;
    std::size_t route_entry_;
    worker::RouteReason route_reason_;
    Instant attempt_at_;
    std::optional<Instant> answered_at_;
    Result<std::unique_ptr<Attempt>> what_;
};

Outcome outcome_of(const Error& error) noexcept {
    const Outcome outcome = failure_row(error.kind).attempt.outcome;
    return outcome == Outcome::failed && error.refused_with != 0 ? Outcome::refused : outcome;
}

/// The attempts of one request that ended with a failure that the request itself may have caused.
/// Those that no other endpoint confirmed were the endpoint's own.
class Refusals {
public:
    explicit Refusals(Request& request) : request_(request) {}
    Refusals(const Refusals&) = delete;
    Refusals& operator=(const Refusals&) = delete;
    ~Refusals() {
        for (const Refusal& refusal : refusals_) settle(refusal, false);
    }

    /// True: an endpoint before this one refused with the same status and in the same words.
    bool note(const route::RouteEntry& entry, std::size_t endpoint, const Error& error,
              Instant reported_at) {
        const auto same = std::ranges::find_if(refusals_, [&](const Refusal& refusal) {
            return refusal.status == error.refused_with &&
                   refusal.words == error.upstream_words.text();
        });
        Refusal refusal{.status = error.refused_with,
                        .words = error.upstream_words.text(),
                        .entry = &entry,
                        .endpoint = endpoint,
                        .reported_at = reported_at};
        if (same == refusals_.end()) {
            refusals_.push_back(std::move(refusal));
            return false;
        }
        settle(*same, true);
        settle(refusal, true);
        refusals_.erase(same);
        return true;
    }

private:
    struct Refusal {
        unsigned status;
        std::string words;
        const route::RouteEntry* entry;
        std::size_t endpoint;
        Instant reported_at;
    };

    void settle(const Refusal& refusal, bool is_of_request) const {
        const auto change = refusal.entry->handle->settle_refusal(
            refusal.endpoint, refusal.reported_at, is_of_request, request_.worker.clock().now());
        request_.worker.telemetry.note_health(
            request_.config().config.upstreams[refusal.entry->upstream].name,
            refusal.entry->handle->endpoints()[refusal.endpoint]->label(), change);
    }

    Request& request_;
    std::vector<Refusal> refusals_;
};

/// Whether the request is what cannot be answered: two endpoints said the same.
bool is_refused_again(std::unique_ptr<Refusals>& refusals, Request& request,
                      const route::RouteEntry& entry, const Attempt& attempt, const Error& error) {
    if (error.refused_with == 0) return false;
    if (!refusals) refusals = std::make_unique<Refusals>(request);
    return refusals->note(entry, attempt.endpoint(), error, attempt.reported_at());
}

void note_failure(Request& request, const Routed& routed, const route::RouteEntry& entry,
                  Attempt& attempt, Error& error) {
    const Instant now = request.worker.clock().now();
    log_words(error);
    const bool is_of_request = falls_back(request, routed, error);
    attempt.report(is_of_request ? Outcome::rejected : outcome_of(error), error.retry_after);
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
    const client::Connection& client = request.client.connection;
    if (failure.next == NextAttempt::none || client.has_gone() || client.is_cut_off()) return false;
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

/// What the client is told, unless it has left meanwhile, or the drain has cut it off.
Failure told(const Request& request, Error&& error) {
    const client::Connection& client = request.client.connection;
    if (client.has_gone() || client.is_cut_off()) error.kind = client.why_ended();
    return fail(std::move(error));
}

/// The end of a request that no candidate has answered.
Result<std::unique_ptr<Attempt>> ended(Request& request, std::unique_ptr<FirstRefusal>& first,
                                       Error&& error) {
    if (!first || request.client.connection.has_gone()) return told(request, std::move(error));
    return std::move(*first).take(request, std::move(error.detail));
}

/// The answer that the client gets: a second refusal is worth less than the first.
Result<std::unique_ptr<Attempt>> passed_on(Request& request, std::unique_ptr<FirstRefusal>& first,
                                           std::unique_ptr<Attempt> attempt) {
    const bool is_rejection = !provider::is_success(attempt->exchange().head().status);
    if (first && is_rejection) return std::move(*first).take(request, {});
    return attempt;
}

void set_aside(Request& request, const route::RouteEntry& entry,
               std::unique_ptr<FirstRefusal>& first, std::unique_ptr<Attempt> attempt) {
    const Instant now = request.worker.clock().now();
    request.snapshot->upstream_counters[entry.upstream].total.observe(now - attempt->began_at());
    attempt->set_aside(now);
    if (!first) first = std::make_unique<FirstRefusal>(request, std::move(attempt));
    request.record.answered_at.reset();
    request.record.route_reason = worker::RouteReason::none;
}

void set_aside(Request& request, std::unique_ptr<FirstRefusal>& first, const Error& error) {
    if (first) return;
    Error kept = error;
    if (kept.names_request) kept.kind = ErrorKind::upstream_rejected;
    first = std::make_unique<FirstRefusal>(request, fail(std::move(kept)));
}

}  // namespace

net::Task<Forwarded> forward(Request& request, const Routed& routed) {
    using Step = CandidateIterator::Step;
    request.config().routes.retry_budget->request();
    CandidateIterator candidates(*routed.model->route, routed.query,
                                 request.config().config.retries.attempts_max);
    Forwarded forwarded;
    provider::FinalError final_error;
    std::unique_ptr<Refusals> refusals;
    std::unique_ptr<FirstRefusal> first_refusal;
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
            forwarded.attempt = ended(request, first_refusal, std::move(final_error).take({}));
            co_return forwarded;
        }
        begin_attempt(request, candidates, step.entry, entry, now);
        auto attempt = std::make_unique<Attempt>(request, routed, entry, std::move(step.lease),
                                                 std::move(ceiling.held), now);
        auto answered = co_await attempt->run();
        forwarded.was_sent |= attempt->was_sent();
        if (answered) entry.quota->accepted();
        if (answered && !falls_back(request, routed, attempt->fallback_reason())) {
            forwarded.attempt = passed_on(request, first_refusal, std::move(attempt));
            co_return forwarded;
        }
        if (answered) {
            set_aside(request, entry, first_refusal, std::move(attempt));
            candidates.refused();
            last_error.reset();
            now = request.worker.clock().now();
            continue;
        }
        Error& error = answered.error();
        note_failure(request, routed, entry, *attempt, error);
        if (falls_back(request, routed, error)) {
            set_aside(request, first_refusal, error);
            final_error.note(std::move(error));
            candidates.refused();
            last_error.reset();
            now = request.worker.clock().now();
            continue;
        }
        if (is_refused_again(refusals, request, entry, *attempt, error)) {
            forwarded.attempt = ended(request, first_refusal,
                                      std::move(final_error).take_refusal(std::move(error)));
            co_return forwarded;
        }
        if (!may_try_again(request, *attempt, error.kind)) {
            forwarded.attempt = ended(request, first_refusal, std::move(error));
            co_return forwarded;
        }
        last_error = error.kind;
        const Outcome outcome = failure_row(error.kind).attempt.outcome;
        candidates.failed(outcome, outcome == Outcome::connect_failed, error.retry_after);
        final_error.note(std::move(error));
        now = request.worker.clock().now();
    }
    forwarded.attempt =
        ended(request, first_refusal, std::move(final_error).take(untried_of(candidates)));
    co_return forwarded;
}

}  // namespace sluicegate::gateway
