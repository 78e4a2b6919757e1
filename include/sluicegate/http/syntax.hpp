#pragma once
/// The character rules for names and values in heads.

#include <string_view>

namespace sluicegate::http {

/// One or more tchar (RFC 9110 section 5.6.2), as in a method or a field name.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// No control byte but HTAB, no white space at either end (RFC 9110 section 5.5). Bytes of
/// 0x80 … 0xFF are allowed. May be empty.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

/// For two texts of one size.
[[nodiscard]] bool same_size_equals_ignoring_case(std::string_view left,
                                                  std::string_view right) noexcept;

/// Equal without regard to the case of ASCII letters.
[[nodiscard]] inline bool equals_ignoring_case(std::string_view left,
                                               std::string_view right) noexcept {
    return left.size() == right.size() && same_size_equals_ignoring_case(left, right);
}

}  // namespace sluicegate::http
