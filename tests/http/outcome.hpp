#pragma once
/// The result of parsing some bytes, as text that tests compare: the error, or all that the parser
/// has read. The same bytes in any pieces must give the same text.

#include "sluicegate/http/request_head.hpp"
#include "sluicegate/http/response_head.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace sluicegate::http {

/// How many bytes arrive next, given how many have arrived; at least 1.
using Arrival = std::function<std::size_t(std::size_t)>;

[[nodiscard]] std::size_t all_at_once(std::size_t);
[[nodiscard]] std::size_t byte_by_byte(std::size_t);

/// "bad_request", "incomplete", or "GET /path ... " as describe() writes it.
[[nodiscard]] std::string request_outcome(std::string_view bytes, const Arrival& arrival,
                                          const HeadLimits& limits = {});
[[nodiscard]] std::string response_outcome(std::string_view bytes, Method request_method,
                                           const Arrival& arrival, const HeadLimits& limits = {});

/// The outcome, with "accepted" for a head without an error.
[[nodiscard]] std::string verdict(const std::string& outcome);

}  // namespace sluicegate::http
