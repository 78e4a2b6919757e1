#pragma once
/// The head of an answer to a client: the fields that every answer carries.

#include "sluicegate/client/exchange.hpp"
#include "sluicegate/http/response_head.hpp"

#include <string>
#include <string_view>

namespace sluicegate::client {

/// What every head begins with.
struct HeadBasics {
    unsigned status = 0;
    std::string_view date;
    const RequestId& id;
    /// "no-store" but for event streams.
    std::string_view cache_control = "no-store";
};

/// Status line, date, x-request-id and the fields against caching and sniffing.
void begin_head(std::string& out, const HeadBasics& basics);
/// The same for the answer to `exchange`.
void begin_answer(std::string& out, const Exchange& exchange, unsigned status,
                  std::string_view cache_control = "no-store");
/// Those fields of an upstream's answer that a client gets, but for its content-type. Cookies,
/// organisation ids, the upstream's own rate limits and everything hop-by-hop stay here, and so
/// does a field that holds a secret.
void append_passed_fields(std::string& out, const Exchange& exchange,
                          const http::ResponseHead& head);
/// One field of it, under the name `as`; nothing if it is absent or holds a secret.
void append_passed_field(std::string& out, const Exchange& exchange, const http::ResponseHead& head,
                         std::string_view name, std::string_view as);
/// `connection: close`, or what an HTTP/1.0 client needs to keep the connection.
void append_connection(std::string& out, const Exchange& exchange, bool stays_open);
/// What the limits said of this request, if they were asked: append_rate_limits() and, where
/// limiter.ietf_fields is on, append_ietf_fields().
void append_limits(std::string& out, const Exchange& exchange);
/// Whose answer this is, or which upstream was asked last, and the number of attempts; nothing for
/// a request that went nowhere.
void append_route(std::string& out, const Exchange& exchange);

/// True when the connection may go on after an answer to this request.
[[nodiscard]] bool wants_to_stay(const Exchange& exchange);

/// Writes an answer whose body is complete, and brings the connection to the next request: what is
/// unread of this one is dropped, or the connection ends. `out` holds the head but for its framing.
/// True when the connection may carry another request.
net::Task<bool> write_complete(Exchange& exchange, std::string& out, std::string_view body,
                               bool must_close);

}  // namespace sluicegate::client
