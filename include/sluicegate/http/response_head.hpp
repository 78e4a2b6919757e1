#pragma once
/// Response heads of upstreams: finding their end, and parsing them. As strict as for requests.
///
/// Errors   upstream_bad_response for every fault: do not use the connection again.
/// Threads  pure functions.
/// Source   RFC 9112 sections 2, 4, 5, 6 and 9.3.

#include "sluicegate/base/result.hpp"
#include "sluicegate/http/field_table.hpp"
#include "sluicegate/http/head_limits.hpp"
#include "sluicegate/http/method.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluicegate::http {

/// All views point into the head that was parsed.
struct ResponseHead {
    unsigned status = 0;         ///< 100 … 599, never 101
    unsigned minor_version = 1;  ///< 0 or 1
    FieldTable fields;
    Framing framing = Framing::none;
    std::uint64_t content_length = 0;  ///< 0 … 2^63-1; 0 unless framing is content_length
    /// The connection may carry another request after the body was read.
    bool keep_alive = true;
};

/// Size of the head at the start of `bytes`, its blank line included; 0 while it is incomplete.
/// As find_request_head_end, but nothing may stand before the status line.
[[nodiscard]] Result<std::size_t> find_response_head_end(std::string_view bytes,
                                                         std::size_t searched,
                                                         const HeadLimits& limits);

/// Parses one complete head. `request_method` decides about the body (none after HEAD) and is
/// never CONNECT. A 1xx head is parsed like any other: the caller counts and skips it.
[[nodiscard]] Result<void> parse_response_head(std::string_view head, Method request_method,
                                               const HeadLimits& limits, ResponseHead& out);

}  // namespace sluicegate::http
