#include "gateway/attempt.hpp"

#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/provider/failure.hpp"
#include "sluicegate/provider/fallback_reason.hpp"
#include "sluicegate/provider/quota_fields.hpp"
#include "sluicegate/provider/stream_options.hpp"
#include "sluicegate/provider/timeouts.hpp"
#include "sluicegate/upstream/ask.hpp"

#include <utility>

namespace sluicegate::gateway {

using upstream::Arrival;

namespace {

/// JSON up to this size is held back until it is complete, so that an upstream that dies half way
/// is a failed attempt and not a truncated 200.
constexpr std::size_t held_bytes_max = std::size_t{8} << 20;

/// Events that carry no output (a role) wait so long for what follows them. They tell a client
/// nothing, and a stream of them alone is no answer.
constexpr Milliseconds empty_events_wait{100};

openai::StreamOptionsEdit stream_options_for(const Request& request, const Routed& routed,
                                             std::size_t upstream) {
    const route::UpstreamMemory& memory = request.config().routes.upstreams[upstream]->memory();
    return provider::stream_options_for(request.config().config.upstreams[upstream],
                                        routed.endpoint, routed.inspection,
                                        memory.has_refused_stream_options.load());
}

}  // namespace

std::unique_ptr<client::EventWriter> new_event_writer(Request& request, openai::Endpoint endpoint,
                                                      const http::ResponseHead* head) {
    const Milliseconds keep_alive = request.config().config.streams.keep_alive;
    const client::EventWriter::Options options{
        .endpoint = endpoint, .keep_alive = keep_alive, .head = head};
    return std::make_unique<client::EventWriter>(request.client, options);
}

Attempt::Attempt(Request& request, const Routed& routed, const route::RouteEntry& entry,
                 route::Lease lease, limit::Reservation ceiling, Instant now)
    : request_(request),
      routed_(routed),
      entry_(entry),
      lease_(std::move(lease)),
      ceiling_(std::move(ceiling)),
      began_at_(now),
      json_memory_(request.worker.client.memory, MemoryUse::answer) {
    json_memory_.charge_to(&request.memory_share(*routed.key));
    prepare(stream_options_for(request, routed, entry.upstream));
}

void Attempt::prepare(const openai::StreamOptionsEdit& stream_options) {
    stream_options_ = stream_options;
    departure_.reset();
    fallback_reason_ = FallbackReason::none;
    text_.emplace(request_, routed_, entry_, lease_.endpoint(), stream_options);
    const auto& pool = request_.snapshot->endpoints[entry_.upstream][lease_.endpoint()].pool;
    exchange_.emplace(pool, began_at_,
                      provider::timeouts_of(pool->settings(), *routed_.model->settings));
    exchange_->charge_to(request_.memory_share(*routed_.key));
    client::Connection::Watched& watched = *this;
    departure_.emplace(request_.client.connection, watched);
}

void Attempt::report(route::Outcome outcome, Milliseconds wait) {
    reported_at_ = request_.worker.clock().now();
    const auto change = lease_.report(outcome, wait, reported_at_);
    request_.worker.telemetry.note_health(
        exchange_->settings().name, entry_.handle->endpoints()[lease_.endpoint()]->label(), change);
}

void Attempt::set_aside(Instant now) noexcept {
    departure_.reset();
    settle_ceiling(0, now);
    release_slot();
}

void Attempt::keep_owner(std::string_view id) const {
    if (id.empty()) return;
    const route::ResponseOwners::Owner owner{
        .user = routed_.query.user,
        .upstream = route::ResponseOwners::name_key(exchange_->settings().name),
        .endpoint = entry_.handle->endpoints()[lease_.endpoint()]->id()};
    request_.config().routes.response_owners->remember(id, owner, request_.worker.clock().now());
}

std::string_view Attempt::rename(std::string_view bytes, openai::ModelRenamer::Form form) {
    if (!renamer_) {
        renamer_ = std::make_unique<openai::ModelRenamer>(routed_.endpoint, form,
                                                          routed_.model->settings->name);
    }
    return renamer_->rename(bytes);
}

/// The answer may still be wanted for its usage.
bool Attempt::goes_on_alone() noexcept {
    const config::Upstream& upstream = exchange_->settings();
    if (upstream.on_client_disconnect != config::OnClientDisconnect::drain ||
        !exchange_->was_sent()) {
        return false;
    }
    exchange_->end_within(upstream.drain_usage);
    return true;
}

void Attempt::cancel(ErrorKind reason) noexcept {
    exchange_->cancel(reason);
}

Failure Attempt::unusable(ErrorKind kind, std::string_view what) const {
    return fail(kind, exchange_->settings().name + " " + std::string(what));
}

net::Task<Result<void>> Attempt::run() {
    auto tried = co_await try_once();
    if (tried && !has_refused_options_) note_answer();
    if (!tried || !has_refused_options_) co_return tried;
    const client::Connection& client = request_.client.connection;
    if (client.has_gone() || client.is_cut_off()) co_return fail(client.why_ended());
    // The client did not ask for them: what it did ask for is sent again without.
    prepare(openai::StreamOptionsEdit());
    tried = co_await try_once();
    if (tried && provider::is_success(exchange_->head().status)) {
        entry_.handle->memory().has_refused_stream_options = true;
    }
    if (tried) note_answer();
    co_return tried;
}

/// Only a whole answer is a success, on probation too: a server that breaks every stream half way
/// would be healthy by its first event.
void Attempt::note_answer() {
    if (provider::is_success(exchange_->head().status)) {
        lease_.answered(answered_at_);
    } else {
        report(route::Outcome::rejected);
    }
}

net::Task<Result<void>> Attempt::try_once() {
    route::Quota& quota = *entry_.quota;
    const std::int64_t tokens = routed_.tokens.total;
    const route::Quota::SentTotal sent = quota.sent(tokens, began_at_);
    auto answered = co_await ask();
    if (!answered) {
        if (!exchange_->was_sent()) quota.unsent(sent, tokens, request_.worker.clock().now());
        co_return answered;
    }

    const Instant now = request_.worker.clock().now();
    answered_at_ = now;
    request_.record.answered_at = now;
    const http::ResponseHead& head = exchange_->head();
    quota.report(provider::quota_of(head.fields, request_.worker.clock().wall_now()), sent, now);
    if (!provider::is_success(head.status)) co_return co_await judge_failure();
    auto begun = exchange_->take_arrived();
    if (begun && !exchange_->is_complete() && !provider::tells_form(exchange_->body())) {
        begun = co_await receive_beginning();
    }
    if (!begun) co_return begun;
    // The seam for content codings: what is decoded here is told and judged like any other answer.
    const provider::AnswerBeginning beginning{.head = head,
                                              .body = exchange_->body(),
                                              .asked = routed_.endpoint,
                                              .is_streaming = routed_.inspection.is_streaming};
    auto form = provider::form_of(exchange_->settings().name, beginning);
    if (!form) co_return std::move(form).failure();
    form_ = *form;
    if (form_ == provider::AnswerForm::json) co_return co_await receive_json();
    if (form_ == provider::AnswerForm::bytes) co_return Result<void>();
    if (routed_.inspection.is_streaming) co_return co_await receive_first_events();
    co_return co_await receive_all_events();
}

Instant Attempt::comment_at() const {
    const Milliseconds keep_alive = request_.config().config.streams.keep_alive;
    if (!routed_.inspection.is_streaming || keep_alive == Milliseconds(0)) return Instant::max();
    return answered_at_ + keep_alive;
}

net::Task<Result<void>> Attempt::receive_beginning() {
    Instant wake_at = comment_at();
    while (!exchange_->is_complete() && !provider::tells_form(exchange_->body())) {
        auto arrival = co_await exchange_->receive_body(provider::beginning_bytes_max, wake_at);
        if (!arrival) co_return std::move(arrival).failure();
        if (*arrival == Arrival::complete) continue;
        auto next_at = co_await keep_waiting(&exchange_->head());
        if (!next_at) co_return std::move(next_at).failure();
        wake_at = *next_at;
    }
    co_return Result<void>();
}

net::Task<Result<void>> Attempt::ask() {
    // Where streams.commit_after is set, a client that wants a stream does not wait in silence.
    const Milliseconds commit_after = request_.config().config.streams.commit_after;
    Instant wake_at = Instant::max();
    if (routed_.inspection.is_streaming && commit_after > Milliseconds(0)) {
        wake_at = routed_.admitted_at + commit_after;
    }
    const upstream::Question question{.text = text_->buffers()};
    for (;;) {
        auto arrival = co_await upstream::ask(*exchange_, question, wake_at);
        if (!arrival) co_return std::move(arrival).failure();
        if (*arrival == Arrival::complete) co_return Result<void>();
        auto next_at = co_await keep_waiting(nullptr);
        if (!next_at) co_return std::move(next_at).failure();
        wake_at = *next_at;
    }
}

/// The beginning of the body, as far as it arrives before something goes wrong.
net::Task<void> Attempt::receive_judged_body() {
    exchange_->end_within(provider::judged_body_wait);
    while (!exchange_->is_complete() &&
           exchange_->body().size() < provider::judged_body_bytes_max) {
        auto received = co_await exchange_->receive_body(provider::judged_body_bytes_max);
        if (!received) break;
    }
}

/// A rejection is held like any short answer: it is passed on in the shape that clients know.
net::Task<Result<void>> Attempt::judge_failure() {
    const http::ResponseHead& head = exchange_->head();
    if (provider::is_judged_by_body(head.status)) co_await receive_judged_body();
    const provider::Asked asked{.model = routed_.model->settings->name,
                                .upstream_model = entry_.upstream_model,
                                .body = request_.client.body};
    auto failed =
        provider::failure_of(exchange_->settings(), request_.config().redaction, head,
                             exchange_->body(), asked, request_.worker.clock().wall_now());
    if (failed && failed->kind == ErrorKind::upstream_unknown_model) {
        failed->detail += ", has no model " + entry_.upstream_model + ": see the route of " +
                          routed_.model->settings->name;
    }
    if (failed) co_return fail(std::move(*failed));
    while (!exchange_->is_complete() && exchange_->body().size() < openai::error_body_bytes_max) {
        auto received = co_await exchange_->receive_body(openai::error_body_bytes_max);
        // The status says enough where the words cannot be read.
        if (!received && received.error().kind == ErrorKind::upstream_bad_response) break;
        if (!received) co_return std::move(received).failure();
    }
    has_refused_options_ =
        (stream_options_.include_usage || stream_options_.continuous_usage_stats) &&
        provider::refuses_stream_options(exchange_->body());
    note_fallback_reason();
    co_return Result<void>();
}

void Attempt::note_fallback_reason() {
    const config::FallbackOn& on = routed_.model->settings->fallback_on;
    if (on == config::FallbackOn()) return;
    const FallbackReason reason =
        provider::fallback_reason_of(exchange_->head(), exchange_->body());
    if (on.holds(reason)) fallback_reason_ = reason;
}

net::Task<Result<void>> Attempt::receive_json() {
    auto taken = exchange_->take_arrived();
    if (!taken) co_return taken;
    const http::ResponseHead& head = exchange_->head();
    const bool is_held =
        head.framing != http::Framing::content_length || head.content_length <= held_bytes_max;
    while (is_held && !exchange_->is_complete() && exchange_->body().size() < held_bytes_max) {
        auto received = co_await exchange_->receive_body(held_bytes_max);
        if (!received) co_return std::move(received).failure();
    }
    if (exchange_->is_complete()) co_return judge_json();
    if (routed_.inspection.is_streaming) {
        co_return unusable(ErrorKind::upstream_bad_response,
                           "answered a streamed request with too much JSON");
    }
    co_return Result<void>();
}

Result<void> Attempt::judge_json() {
    // A stream that is made of it takes about as much memory again.
    const std::size_t expected = routed_.inspection.is_streaming ? exchange_->body().size() : 0;
    if (!json_memory_.resize(expected)) {
        return unusable(ErrorKind::overloaded,
                        "answered with JSON for whose events server.memory has no room");
    }
    const provider::AskedFor asked{.endpoint = routed_.endpoint, .inspection = routed_.inspection};
    auto answer = provider::judge_json(exchange_->settings(), request_.config().redaction, asked,
                                       exchange_->body(), exchange_->is_delimited());
    if (!answer && provider::may_be_recording(exchange_->head(), asked.endpoint, answer.error())) {
        form_ = provider::AnswerForm::bytes;
        return {};
    }
    if (!answer) return std::move(answer).failure();
    json_ = std::move(*answer);
    if (!json_memory_.resize(json_->events.size())) {
        return unusable(ErrorKind::overloaded,
                        "answered with JSON whose events are more than server.memory has room for");
    }
    return {};
}

void Attempt::read_events(const openai::StreamCuts& cuts) {
    const openai::Inspection& inspection = routed_.inspection;
    events_ = std::make_unique<EventReader>(
        *exchange_,
        openai::SseScanner(routed_.endpoint, cuts,
                           std::int64_t{inspection.returned_choices} * inspection.prompts),
        request_.config().redaction, request_.config().config.streams, request_.worker.clock());
}

/// A stream that fails before its first output, or with it, is still a proper status for the
/// client. Once the head is there, silence is filled with comments.
net::Task<Result<void>> Attempt::receive_first_events() {
    read_events(
        provider::unwanted_usage(exchange_->settings(), routed_.endpoint, routed_.inspection));
    Instant wake_at = comment_at();
    Instant hold_until = Instant::max();
    bool has_begun = false;
    while (!has_begun) {
        auto arrival = co_await events_->read(std::min(wake_at, hold_until));
        if (!arrival) co_return std::move(arrival).failure();
        if (*arrival == Arrival::complete) {
            has_begun = !events_->is_prelude();
            if (has_begun) break;
            events_->set_aside();
            const bool is_first = hold_until == Instant::max() && events_->scanner().events() > 0;
            if (is_first) hold_until = request_.worker.clock().now() + empty_events_wait;
            continue;
        }
        if (hold_until <= wake_at) break;
        auto next_at = co_await keep_waiting(&exchange_->head());
        if (!next_at) co_return std::move(next_at).failure();
        wake_at = *next_at;
    }
    co_return judge_first_events(has_begun);
}

Result<void> Attempt::judge_first_events(bool has_begun) const {
    const openai::SseScanner& scanner = events_->scanner();
    const bool may_be_told = !request_.client.events || !request_.client.events->names_upstream();
    if (!has_begun || !may_be_told || scanner.output_deltas() > 0) return {};
    const config::Upstream& upstream = exchange_->settings();
    const Redaction& redaction = request_.config().redaction;
    if (scanner.error_seen()) {
        return fail(provider::error_of_events(upstream, redaction, events_->ready()));
    }
    if (scanner.finished() && scanner.finish_reason() == "failed") {
        auto failure = provider::failure_in_events(upstream, redaction, events_->ready(),
                                                   routed_.model->settings->fallback_on);
        if (failure) return fail(std::move(*failure));
    }
    if (events_->is_last() && !scanner.has_output()) {
        std::string all = events_->prelude();
        all += events_->ready();
        return fail(provider::error_of_empty_stream(upstream, redaction, all));
    }
    return {};
}

/// An upstream that streams though the client asked for JSON.
net::Task<Result<void>> Attempt::receive_all_events() {
    read_events(openai::StreamCuts());
    std::string all;
    for (;;) {
        auto arrival = co_await events_->read(Instant::max());
        if (!arrival) co_return std::move(arrival).failure();
        all += events_->ready();
        const bool is_last = events_->is_last();
        events_->consume();
        if (is_last) break;
        if (all.size() > held_bytes_max) {
            co_return unusable(ErrorKind::upstream_bad_response,
                               "answered with too many events instead of JSON");
        }
        // The answer that is made of them takes about as much again.
        if (!json_memory_.resize(2 * all.size())) {
            co_return unusable(ErrorKind::overloaded,
                               "answered with events for which server.memory has no room");
        }
    }
    const std::unique_ptr<EventReader> reader = std::move(events_);
    const config::Upstream& upstream = exchange_->settings();
    const Redaction& redaction = request_.config().redaction;
    if (reader->scanner().error_seen()) {
        co_return fail(provider::error_of_events(upstream, redaction, all));
    }
    const provider::AskedFor asked{.endpoint = routed_.endpoint, .inspection = routed_.inspection};
    auto answer = provider::judge_events(upstream, redaction, asked, all);
    if (!answer) co_return std::move(answer).failure();
    json_ = std::move(*answer);
    co_return Result<void>();
}

net::Task<Result<Instant>> Attempt::keep_waiting(const http::ResponseHead* head) {
    if (!request_.client.events)
        request_.client.events = new_event_writer(request_, routed_.endpoint, head);
    const bool is_written = co_await request_.client.events->comment();
    if (is_written) co_return request_.client.events->comment_at();
    const bool is_still_wanted =
        exchange_->settings().on_client_disconnect == config::OnClientDisconnect::drain;
    if (!is_still_wanted) co_return fail(request_.client.connection.why_ended());
    co_return Instant::max();
}

}  // namespace sluicegate::gateway
