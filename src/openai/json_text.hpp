#pragma once
/// The pieces of RFC 8259 below the structure: strings and numbers.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// Section 7 for the text between the quotes: every escape is complete. A surrogate without its
/// partner is one: JavaScript writes "\ud83d" for a character that was cut in half, and whatever
/// a parser makes of it, the string ends at the same quote. Control characters and UTF-8 are the
/// caller's to check.
[[nodiscard]] bool has_complete_escapes(std::string_view raw) noexcept;

/// The same, and every surrogate has its partner (section 8.2): the text means one thing to all
/// parsers. For everything that is decoded and compared.
[[nodiscard]] bool has_valid_escapes(std::string_view raw) noexcept;

/// True when the text between the quotes does not stand for itself.
[[nodiscard]] bool has_escape(std::string_view raw) noexcept;

/// What the text between the quotes means; `raw` has valid escapes.
[[nodiscard]] std::string decode_string(std::string_view raw);

/// `raw`, which has valid escapes, means exactly `plain`.
[[nodiscard]] bool decodes_to(std::string_view raw, std::string_view plain);

/// Section 6, within the range of a double: what overflows to infinity is refused, because parsers
/// disagree about it.
[[nodiscard]] bool is_number(std::string_view text) noexcept;

/// An integer in plain digits; the nearest limit where it does not fit. Nothing for fractions,
/// exponents and everything else. `text` is a valid number or any other JSON value.
[[nodiscard]] std::optional<std::int64_t> integer_from(std::string_view text) noexcept;

}  // namespace sluicegate::openai
