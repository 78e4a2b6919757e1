#include "gateway/stages.hpp"

#include "sluicegate/auth/authenticate.hpp"
#include "sluicegate/auth/credentials.hpp"
#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/client/cors.hpp"
#include "sluicegate/client/error_reply.hpp"
#include "sluicegate/client/receive.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/affinity.hpp"
#include "sluicegate/openai/metering.hpp"
#include "sluicegate/openai/model_list.hpp"

#include "gateway/access_line.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::gateway {
namespace {

using worker::ModelEntry;
using worker::Snapshot;

Result<const auth::KeyRecord*> find_caller(const Request& request) {
    auth::PresentedCredentials presented;
    for (const http::Field& field : request.client.head().fields) {
        presented.take(field.name, field.value);
    }
    auto key = auth::credential_of(presented);
    if (!key) return std::move(key).failure();
    const config::IpAddress address(request.address());
    return auth::authenticate(request.config().keys, *key, address,
                              request.worker.clock().wall_now());
}

/// What the client of a failed attempt to authenticate is told.
Failure refuse_credentials(Request& request, Error&& error) {
    request.worker.telemetry.count_auth_failure(error.kind);
    const unsigned limit = request.config().config.server.auth_failures_per_minute;
    if (limit == 0) return fail(std::move(error));
    const auto wait = request.worker.client.addresses.note_auth_failure(
        request.address(), limit, request.worker.clock().now());
    if (!wait) return fail(std::move(error));
    std::string why(sluicegate::name_of(error.kind));
    if (!error.detail.empty()) why += ": " + error.detail;
    return fail(Error{.kind = ErrorKind::auth_rate_limited,
                      .detail = std::move(why),
                      .subject = {},
                      .upstream_words = {},
                      .retry_after = *wait});
}

std::size_t index_of(const Snapshot& snapshot, const ModelEntry& model) {
    return static_cast<std::size_t>(&model - snapshot.models.data());
}

/// What to reserve: the part that the request states, and the part that is a guess.
limit::Demand demand_of(const Request& request, const Inspected& inspected,
                        const openai::TokenDemand& tokens) {
    limit::Demand demand{.stated = tokens.stated_output, .guessed = tokens.prompt};
    if (tokens.is_output_open) {
        demand.guessed += tokens.answers * request.worker.output_estimates.guess(
                                               inspected.key->user, inspected.model->id);
    }
    return demand;
}

/// Whether the body policies of the model and of all upstreams that it may go to let the request
/// pass. Which of them will answer is not known yet, and a field that only some of them refuse
/// must not depend on that.
Result<void> check_fields(const Request& request, const ModelEntry& model,
                          const openai::Inspection& inspection) {
    const openai::FieldSet refused = inspection.fields & model.denied_fields;
    if (refused.none()) return {};
    if (refused[openai::number_of(openai::Field::background)] ||
        refused[openai::number_of(openai::Field::running_in_background)]) {
        return fail(ErrorKind::background_not_supported, "denied by a body policy", "background");
    }
    std::size_t first = 0;
    while (!refused[first]) ++first;
    return fail(ErrorKind::field_not_allowed, "denied by a body policy",
                std::string(request.config().field_names.name_of(first)));
}

std::optional<route::ResponseOwners::Owner> owner_of(const Request& request, std::string_view id) {
    if (id.empty()) return std::nullopt;
    return request.config().routes.response_owners->find(id, request.worker.clock().now());
}

/// The endpoint that keeps what the request goes on from; 0 if it goes on from nothing, or from an
/// id that is not known.
std::uint64_t pin_of(const Request& request, const openai::Inspection& inspection) {
    auto owner = owner_of(request, inspection.previous_response_id);
    if (!owner) owner = owner_of(request, inspection.conversation_id);
    return owner ? route::UpstreamHandle::pin_of(owner->upstream, owner->endpoint) : 0;
}

/// Why the caller may not go on from `id`; "" if it may. An id that is not known may pass: it was
/// made before a restart, or through another instance.
std::string_view why_lost(const Request& request, const auth::KeyRecord& key,
                          const ModelEntry& model, std::string_view id) {
    const auto owner = owner_of(request, id);
    if (!owner) return {};
    if (owner->user != request.config().user_keys[key.user_index]) return "made by another user";
    const auto pin = route::UpstreamHandle::pin_of(owner->upstream, owner->endpoint);
    return model.route->reaches(pin) ? std::string_view() : "its endpoint is gone";
}

Result<void> check_owner(const Request& request, const auth::KeyRecord& key,
                         const ModelEntry& model, const openai::Inspection& inspection) {
    const std::string& previous = inspection.previous_response_id;
    std::string_view why = why_lost(request, key, model, previous);
    if (!why.empty()) {
        return fail(ErrorKind::previous_response_not_found, std::string(why),
                    "previous_response_id " + previous);
    }
    const std::string& conversation = inspection.conversation_id;
    why = why_lost(request, key, model, conversation);
    if (!why.empty()) {
        return fail(ErrorKind::conversation_not_found, std::string(why),
                    "conversation " + conversation);
    }
    return {};
}

openai::ListedModel listed(const ModelEntry& model) {
    const config::ModelInfo& info = model.settings->info;
    return {.id = model.settings->name,
            .created = info.created.value_or(openai::model_created),
            .info = info.members};
}

/// Of a body that names no model.
std::string_view default_model_of(const Request& request, openai::Endpoint endpoint) {
    if (endpoint == openai::Endpoint::moderations && request.url_model.empty()) {
        return request.config().config.defaults.moderations;
    }
    return request.url_model;
}

Result<std::string> models_body(const Request& request, const Identified& identified) {
    const Snapshot& config = request.config();
    if (identified.match->endpoint == openai::Endpoint::model_get) {
        const ModelEntry* model = config.find_model(identified.match->model_id);
        if (model == nullptr || !auth::may_use(*identified.key, model->id)) {
            return fail(ErrorKind::model_not_found, {}, identified.match->model_id);
        }
        return openai::model_body(listed(*model));
    }
    std::vector<openai::ListedModel> models;
    for (const ModelEntry& model : config.models) {
        if (auth::may_use(*identified.key, model.id)) models.push_back(listed(model));
    }
    return openai::models_list_body(models);
}

/// The model that a refused request names, as far as it was read.
std::string_view asked_model_of(const Request& request) {
    const std::string& named = request.record.asked_model;
    return named.empty() ? std::string_view(request.url_model) : std::string_view(named);
}

/// It tells nothing but that the gateway answers.
net::Task<bool> answer_health(Request& request) {
    client::Exchange& exchange = request.client;
    exchange.sent.status = 200;
    std::string& out = exchange.connection.answer_text();
    client::begin_answer(out, exchange, 200);
    co_return co_await client::write_complete(exchange, out, std::string_view(), false);
}

/// GET /models and GET /models/{id}, from the configuration.
net::Task<bool> answer_models(Request& request, const Identified& identified) {
    client::Exchange& exchange = request.client;
    auto body = models_body(request, identified);
    if (!body) co_return co_await refuse(request, body.error());
    exchange.sent.status = 200;
    request.leave_load();
    std::string& out = exchange.connection.answer_text();
    client::begin_answer(out, exchange, 200);
    http::append_field(out, "content-type", "application/json");
    co_return co_await client::write_complete(exchange, out, *body, false);
}

}  // namespace

net::Task<Result<Received>> receive(Request& request, bool may_idle) {
    client::Connection& connection = request.client.connection;
    const bool& is_draining = request.worker.client.is_draining;
    // Its first bytes were on their way when the drain began: it is the last request there.
    bool came_at_once = false;
    if (connection.in().empty()) {
        // A connection that ends or stays silent between two requests is no failure: it has no
        // id, and nothing is logged.
        if (connection.is_draining() && !connection.is_fresh()) {
            co_return fail(ErrorKind::client_gone);
        }
        const config::ServerTimeouts& timeouts =
            request.worker.snapshot->shared->config.server.timeouts;
        auto begun =
            co_await client::await_request(connection, may_idle ? timeouts.idle : timeouts.header);
        if (!begun) co_return std::move(begun).failure();
        came_at_once = true;
    }

    request.begin();
    auto taken = client::take_head(request.client);
    if (!taken) co_return std::move(taken).failure();
    if (!*taken) {
        came_at_once = false;
        auto received = co_await client::receive_head(request.client);
        if (!received) co_return std::move(received).failure();
    }
    const http::RequestHead& head = request.client.head();
    if (is_draining && !came_at_once) co_return fail(ErrorKind::draining);
    // Before path and method are judged: clients that prefer WebSockets fall back at once after a
    // 426, and try again after anything else.
    if (head.is_websocket_handshake) co_return fail(ErrorKind::websocket_not_supported);
    if (client::is_preflight(request.client)) {
        if (!client::allows_origin(request.client)) co_return fail(ErrorKind::origin_not_allowed);
        request.record.is_preflight = true;
        co_return Received{.match = {}, .is_preflight = true};
    }
    auto match = openai::match_endpoint(name_of(head.method), head.path);
    if (!match) co_return std::move(match).failure();
    request.record.endpoint = match->endpoint;
    if (!match->model_id.empty() && match->endpoint != openai::Endpoint::model_get) {
        request.url_model = std::move(match->model_id);
    }
    co_return Received{.match = std::move(*match)};
}

Result<Identified> authenticate(Request& request, const Received& received) {
    const bool is_health = received.match.endpoint == openai::Endpoint::health;
    if (received.is_preflight || is_health) return Identified{&received.match, nullptr};
    auto key = find_caller(request);
    if (!key) return refuse_credentials(request, std::move(key.error()));
    request.client.connection.note_known();
    request.record.caller = auth::caller_of(**key);
    request.client.charge_to(request.memory_share(**key));
    if (const char* const why = request.enter_load(**key)) return fail(ErrorKind::overloaded, why);
    return Identified{&received.match, *key};
}

net::Task<Result<Loaded>> receive_body(Request& request, Identified&& identified) {
    auto taken = client::take_body(request.client);
    if (!taken) co_return std::move(taken).failure();
    if (!*taken) {
        // A body that does not end is bound by its deadline and by what its user may hold of the
        // memory. It must not take the turn of another request.
        request.leave_load();
        auto received = co_await client::receive_body(request.client);
        if (!received) co_return std::move(received).failure();
        const char* const why = request.return_to_load();
        if (why != nullptr) co_return fail(ErrorKind::overloaded, why);
    }
    request.record.bytes_in = request.client.body.size();
    co_return Loaded{identified.match->endpoint, identified.key};
}

Result<Inspected> inspect(Request& request, Loaded&& loaded) {
    const std::string_view content_type =
        request.client.head().fields.find("content-type").value_or(std::string_view());
    const std::string_view body = request.client.body;
    // An empty body is answered like any other that is no JSON, and needs bytes to look at.
    static constexpr char empty[openai::body_padding]{};
    const char* data = body.empty() ? empty : body.data();
    auto inspection =
        openai::inspect(loaded.endpoint, content_type, data, body.size(),
                        request.config().field_names, default_model_of(request, loaded.endpoint));
    if (!inspection) return std::move(inspection).failure();
    if (!request.url_model.empty() && inspection->model != request.url_model) {
        request.record.asked_model = inspection->model;
        return fail(ErrorKind::model_mismatch, {}, request.url_model);
    }

    const ModelEntry* model = request.config().find_model(inspection->model);
    // A model that does not exist and one that this key may not use get the same answer, so that
    // models cannot be found by guessing.
    if (model == nullptr || !auth::may_use(*loaded.key, model->id)) {
        return fail(ErrorKind::model_not_found, {}, std::move(inspection->model));
    }
    Result<void> allowed = check_fields(request, *model, *inspection);
    if (allowed) allowed = check_owner(request, *loaded.key, *model, *inspection);
    if (!allowed) {
        request.record.asked_model = std::move(inspection->model);
        return std::move(allowed).failure();
    }
    request.record.model = model;
    request.record.is_streaming = inspection->is_streaming;
    return Inspected{loaded.endpoint, loaded.key, model, std::move(*inspection)};
}

Result<Admitted> admit(Request& request, Inspected&& inspected) {
    const Snapshot& config = request.config();
    const std::size_t model_index = index_of(config, *inspected.model);
    const limit::Plan& plan = (*config.plans[inspected.key->user_index])[model_index];

    const Instant now = request.worker.clock().now();
    const openai::TokenDemand tokens =
        openai::token_demand(inspected.endpoint, inspected.inspection);
    const limit::Demand demand = demand_of(request, inspected, tokens);
    limit::Admission admission =
        request.worker.limiter.admit(inspected.key->user, inspected.model->id, plan, demand, now);
    request.client.notes.decision = admission.decision;
    request.client.notes.requested_tokens = demand.stated + demand.guessed;
    auto& counters = request.snapshot->model_counters[model_index];
    if (!admission.decision.admitted) {
        counters.rejected.add();
        return fail(Error{.kind = ErrorKind::rate_limited,
                          .detail = {},
                          .subject = {},
                          .upstream_words = {},
                          .retry_after = admission.decision.retry_after});
    }
    counters.admitted.add();
    return Admitted{.endpoint = inspected.endpoint,
                    .key = inspected.key,
                    .model = inspected.model,
                    .inspection = std::move(inspected.inspection),
                    .tokens = {.prompt = tokens.prompt,
                               .answers = tokens.answers,
                               .total = demand.stated + demand.guessed},
                    .at = now,
                    .reservation = std::move(admission.reservation)};
}

Result<Routed> route(Request& request, Admitted&& admitted) {
    const ModelEntry& model = *admitted.model;
    route::RouteQuery query{.tokens = admitted.tokens.total,
                            .user = request.config().user_keys[admitted.key->user_index],
                            .affinity = std::nullopt,
                            .random = request.worker.client.randomness.next(),
                            .pin = pin_of(request, admitted.inspection)};
    if (model.affinity_bytes > 0) {
        query.affinity =
            openai::affinity_hash(admitted.inspection, request.client.body, model.affinity_bytes);
    }
    return Routed{.endpoint = admitted.endpoint,
                  .key = admitted.key,
                  .model = &model,
                  .inspection = std::move(admitted.inspection),
                  .tokens = admitted.tokens,
                  .admitted_at = admitted.at,
                  .reservation = std::move(admitted.reservation),
                  .query = query};
}

net::Task<bool> refuse(Request& request, const Error& error) {
    request.leave_load();
    if (request.has_begun()) {
        // The words of the client: its answer may need the buffer that they are in.
        const bool is_of_model = error.kind == ErrorKind::model_not_found;
        note_asked(request, is_of_model ? error.subject : asked_model_of(request));
    }
    return client::reply_error(request.client, error);
}

bool is_answered_here(const Identified& identified) noexcept {
    const openai::Endpoint endpoint = identified.match->endpoint;
    return identified.key == nullptr || endpoint == openai::Endpoint::models_list ||
           endpoint == openai::Endpoint::model_get;
}

net::Task<bool> answer_here(Request& request, const Identified& identified) {
    if (request.record.is_preflight) return client::answer_preflight(request.client);
    if (identified.key == nullptr) return answer_health(request);
    return answer_models(request, identified);
}

}  // namespace sluicegate::gateway
