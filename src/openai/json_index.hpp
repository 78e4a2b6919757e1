#pragma once
/// Finds where the tokens of a JSON text begin, with simdjson's first stage. It also checks UTF-8,
/// control characters inside strings, and that the last string ends.
///
/// Threads  each thread keeps its own index; the result is valid until the thread's next call.
/// Memory   4 bytes per token of the largest text so far, at most json_tokens_max tokens. After a
///          text of more than retained_body_bytes it is freed.

#include "sluicegate/base/result.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace sluicegate::openai {

/// Offsets of `{ } [ ] : ,` outside strings and of the first byte of each string and other scalar,
/// in order. Between a token's last byte and the next offset there is only white space. Errors:
/// invalid_json; invalid_body for more than json_tokens_max tokens.
[[nodiscard]] Result<std::span<const std::uint32_t>> index_tokens(std::string_view text);

}  // namespace sluicegate::openai
