#pragma once
/// The stages of a request, in the order in which pipeline.cpp calls them; each is a file of the
/// same name. docs/request-path.md says why the order is so.

#include "gateway/attempt.hpp"

namespace sluicegate::gateway {

/// Waits for a request and reads its head; finds the endpoint. Errors: those of the head
/// (http/request_head.hpp), draining, unknown_url, method_not_supported, websocket_not_supported,
/// request_timeout, client_gone.
net::Task<Result<Received>> receive(Request& request, bool is_first);

/// Whose key it is, before anything of the body is read.
Result<Identified> authenticate(Request& request, Received received);

/// Reads the body. Errors: request_too_large (from the declared size, or while it arrives),
/// unsupported_encoding, bad_request, request_timeout, client_gone.
net::Task<Result<Loaded>> receive_body(Request& request, const Identified& identified);

/// What is asked for: model, streaming, caps.
Result<Inspected> inspect(Request& request, Loaded loaded);

/// All limits at once; the reservation holds what was charged.
Result<Admitted> admit(Request& request, Inspected&& inspected);

/// Which upstream, and what it calls the model.
Result<Routed> route(Request& request, Admitted&& admitted);

/// Sends the request and waits for the head of an answer that can be passed on. Takes the
/// reservation out of `routed`, which stays with the caller meanwhile: it is too large to be moved
/// into one more coroutine.
net::Task<Result<Answered>> forward(Request& request, Routed& routed);

/// Passes the answer on; the reservation stays with the caller, to be settled. True when the
/// connection may carry another request.
net::Task<bool> relay(Request& request, Answered& answered);

/// Notes what an answer has cost: what the upstream reported or, with the source that `otherwise`
/// names, the estimate of the prompt and `counted_output`.
void note_usage(Request& request, openai::Endpoint endpoint,
                const std::optional<openai::Usage>& reported, std::int64_t counted_output,
                UsageSource otherwise);

/// Replaces what was reserved by what note_usage() has noted: nothing, if nothing was. Once: later
/// calls do nothing. An answer is settled before its last byte leaves, so that a client that has
/// all of it finds its place free.
void settle(Request& request, limit::Reservation& reservation);

/// The answer is complete: settles it, notes that its endpoint has done well, and leaves the place
/// there to the next. Before the last byte leaves, as settle().
void complete(Request& request, Answered& answered);

/// Metrics and the line in the access log.
void account(Request& request);

/// GET /models and GET /models/{id}: answered from the configuration.
net::Task<bool> answer_models(Request& request, const Identified& identified);

/// The answer to any failure before the first byte of an answer was sent. True when the
/// connection may carry another request.
///
/// `error` must outlive the task.
net::Task<bool> reply_error(Request& request, Error&& error);

}  // namespace sluicegate::gateway
