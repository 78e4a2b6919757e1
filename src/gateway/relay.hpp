#pragma once
/// The ways of relay(), by what the upstream sends.

#include "sluicegate/http/response_head.hpp"

#include "gateway/attempt.hpp"

#include <string>

namespace sluicegate::gateway {

/// Passes the answer on; the reservation stays with the caller, to be settled. True when the
/// connection may carry another request.
net::Task<bool> relay(Request& request, Answered& answered);

/// JSON that is complete, or the stream that it was turned into.
net::Task<bool> relay_json(Request& request, Answered& answered);

/// Events, whole ones only, until the stream says that it is complete.
net::Task<bool> relay_events(Request& request, Answered& answered);

/// Passes on what arrives, and settles before the last of it. An answer that breaks off ends the
/// connection in a way that cannot be mistaken for its end. Usage is looked for at the end of it
/// where it is JSON.
net::Task<bool> relay_as_it_comes(Request& request, Answered& answered);

/// The answer turned out to be of no use: what was reserved is settled, then the client told.
/// `error` must outlive the task, as for reply_error().
net::Task<bool> refuse_answer(Request& request, Answered& answered, Error&& error);

/// Status and fields of the upstream's answer, as far as a client gets them.
void begin_passed_answer(std::string& out, const Request& request, const http::ResponseHead& head);

}  // namespace sluicegate::gateway
