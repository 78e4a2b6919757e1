#pragma once
/// Strings and numbers of RFC 8259.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// True if every escape of the text between the quotes is complete (section 7). A surrogate without
/// its partner is accepted: JavaScript writes "\ud83d" for a character that was cut in half. All
/// parsers see the end of the string at the same quote. The caller checks control characters and
/// UTF-8.
[[nodiscard]] bool has_complete_escapes(std::string_view raw) noexcept;

/// The same, and every surrogate has its partner (section 8.2), so all parsers read the same text.
/// For text that is decoded and compared.
[[nodiscard]] bool has_valid_escapes(std::string_view raw) noexcept;

/// True if the text between the quotes has an escape.
[[nodiscard]] bool has_escape(std::string_view raw) noexcept;

/// Decodes the text between the quotes. `raw` must have valid escapes.
[[nodiscard]] std::string decode_string(std::string_view raw);

/// True if `raw` decodes to `plain`. `raw` must have valid escapes.
[[nodiscard]] bool decodes_to(std::string_view raw, std::string_view plain);

/// True if parsers read the key `raw` as `name`, in whatever way it is spelled. `raw` may be any
/// text between quotes.
[[nodiscard]] inline bool spells(std::string_view raw, std::string_view name) {
    // One character at least is an escape of six bytes.
    if (raw.size() < name.size() + 5) return raw == name;
    return has_escape(raw) && has_valid_escapes(raw) && decodes_to(raw, name);
}

/// Section 6, within the range of a double. A number that overflows to infinity is refused, because
/// parsers disagree about it.
[[nodiscard]] bool is_number(std::string_view text) noexcept;

/// An integer in plain digits, or the nearest limit if it does not fit. Nothing for fractions,
/// exponents and other values. `text` must be a valid JSON value.
[[nodiscard]] std::optional<std::int64_t> integer_from(std::string_view text) noexcept;

}  // namespace sluicegate::openai
