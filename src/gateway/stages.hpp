#pragma once
/// The stages of a request before it is sent, in the order in which pipeline.cpp calls them, and
/// the answer that needs no upstream. docs/request-path.md says why the order is so.

#include "gateway/request.hpp"

namespace sluicegate::gateway {

/// Waits for a request and reads its head; finds the endpoint. Errors: those of the head
/// (http/request_head.hpp), draining, unknown_url, method_not_supported, websocket_not_supported,
/// origin_not_allowed, request_timeout, client_gone.
net::Task<Result<Received>> receive(Request& request, bool may_idle);

/// Whose key it is, before anything of the body is read. A preflight has none.
Result<Identified> authenticate(Request& request, const Received& received);

/// Reads the body. Errors: request_too_large (from the declared size, or while it arrives),
/// unsupported_encoding, bad_request, request_timeout, client_gone.
net::Task<Result<Loaded>> receive_body(Request& request, Identified&& identified);

/// What is asked for: model, streaming, caps.
Result<Inspected> inspect(Request& request, Loaded&& loaded);

/// All limits at once; the reservation holds what was charged.
Result<Admitted> admit(Request& request, Inspected&& inspected);

/// Which upstreams may be asked, and what decides their order.
Result<Routed> route(Request& request, Admitted&& admitted);

/// Tells the client of a failure; true when the connection may carry another request. While the
/// client takes the answer, or sends the rest of its body, no other request waits for it.
net::Task<bool> refuse(Request& request, const Error& error);

/// What needs no upstream: the list of models, health, and a browser's preflight.
[[nodiscard]] bool is_answered_here(const Identified& identified) noexcept;
/// True when the connection may carry another request.
net::Task<bool> answer_here(Request& request, const Identified& identified);

}  // namespace sluicegate::gateway
