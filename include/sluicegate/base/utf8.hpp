#pragma once
/// Tells UTF-8 from other bytes.
/// Source  RFC 3629, section 4.

#include <cstddef>
#include <string_view>

namespace sluicegate {

/// Length of the valid sequence at the start of `text`, 0 if none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text) noexcept;

/// How many bytes from the start are valid sequences: all of them, or up to the first that is not.
[[nodiscard]] std::size_t valid_utf8_bytes(std::string_view text) noexcept;

}  // namespace sluicegate
