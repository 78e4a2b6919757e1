#pragma once
/// Writes heads into a string that the caller reuses from message to message.
///
/// The text must be checked before: names, values and targets are constants or come from a parsed
/// head. Debug builds assert it.

#include "sluicegate/http/method.hpp"
#include "sluicegate/http/syntax.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::http {

/// "HTTP/1.1 200 OK\r\n"; `status` is 100 … 599.
void append_status_line(std::string& out, unsigned status);
/// "POST /v1/chat/completions HTTP/1.1\r\n".
void append_request_line(std::string& out, Method method, std::string_view target);
/// "name: value\r\n".
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_field(std::string& out, std::string_view name, std::int64_t value);
/// The blank line that ends a head.
void append_head_end(std::string& out);
/// "1a\r\n": the line before the payload of a chunk. 0 would end the body.
void append_chunk_size(std::string& out, std::size_t size);

/// The registered reason phrase; empty if there is none.
[[nodiscard]] std::string_view reason_of(unsigned status) noexcept;

}  // namespace sluicegate::http
