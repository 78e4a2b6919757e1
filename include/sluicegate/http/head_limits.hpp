#pragma once
/// What requests and responses share: the bounds of a head, and the framing of the body after it.

#include "sluicegate/http/field_table.hpp"

#include <cstddef>
#include <cstdint>

namespace sluicegate::http {

/// Where a body ends (RFC 9112 section 6.3).
enum class Framing : std::uint8_t {
    none,            ///< no body follows
    content_length,  ///< exactly content_length bytes, which may be 0
    chunked,
    until_close,  ///< responses only
};

struct HeadLimits {
    /// Bytes of the head with its blank line, and the empty line that may precede a request line.
    std::size_t head_bytes_max = 16384;
    /// At most FieldTable::capacity, also if a larger value is set.
    std::size_t fields_max = FieldTable::capacity;
    /// The request line without its CRLF. Not used for responses.
    std::size_t request_line_bytes_max = 8192;
};

}  // namespace sluicegate::http
