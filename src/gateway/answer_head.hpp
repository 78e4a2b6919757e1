#pragma once
/// The head of an answer to a client: the fields that every answer carries, and those that say
/// what the limits have left.

#include "gateway/request.hpp"

#include <string>
#include <string_view>

namespace sluicegate::gateway {

/// Status line, date, x-request-id and the fields against caching and sniffing. `cache_control` is
/// "no-store" but for event streams.
void begin_answer(std::string& out, const Request& request, unsigned status,
                  std::string_view cache_control = "no-store");
/// `connection: close`, or what an HTTP/1.0 client needs to keep the connection.
void append_connection(std::string& out, const Request& request, bool stays_open);
/// The x-ratelimit-* fields of the limits that are set; nothing without one.
void append_rate_limits(std::string& out, const limit::Decision& decision);

/// "12ms", "1s", "6m0s", "1m26.4s": how the API writes the time until a limit is replenished.
void append_reset(std::string& out, Milliseconds time);

/// True when the connection may go on after an answer to this request.
[[nodiscard]] bool wants_to_stay(const Request& request);

/// Writes an answer whose body is complete, and brings the connection to the next request: what is
/// unread of this one is dropped, or the connection ends. `out` holds the head but for its framing.
/// True when the connection may carry another request.
net::Task<bool> write_complete(Request& request, std::string& out, std::string_view body,
                               bool must_close);

}  // namespace sluicegate::gateway
