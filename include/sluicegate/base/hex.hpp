#pragma once
/// Hexadecimal digits.

#include <optional>

namespace sluicegate {

/// 0 … 15, for digits of either case.
[[nodiscard]] constexpr std::optional<unsigned> hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

}  // namespace sluicegate
