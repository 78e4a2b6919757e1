#include "openai/json_text.hpp"

#include "openai/byte_search.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace sluicegate::openai {
namespace {

/// The code unit of four hexadecimal digits; -1 for other text.
int code_unit(std::string_view digits) noexcept {
    if (digits.size() < 4) return -1;
    unsigned value = 0;
    const char* const end = digits.data() + 4;
    const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
    return error == std::errc() && stop == end && digits[0] != '-' ? static_cast<int>(value) : -1;
}

bool is_high_surrogate(int unit) noexcept {
    return unit >= 0xD800 && unit < 0xDC00;
}

bool is_low_surrogate(int unit) noexcept {
    return unit >= 0xDC00 && unit < 0xE000;
}

enum class Surrogates : bool { may_be_alone, in_pairs };

/// Size of the escape at the start of `text`, which begins with a backslash. 0 if it is invalid.
template <Surrogates surrogates>
std::size_t escape_size(std::string_view text) noexcept {
    if (text.size() < 2) return 0;
    switch (text[1]) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't': return 2;
        case 'u': break;
        default: return 0;
    }
    const int unit = code_unit(text.substr(2));
    if (unit < 0) return 0;
    if (surrogates == Surrogates::may_be_alone) return 6;
    if (is_low_surrogate(unit)) return 0;
    if (!is_high_surrogate(unit)) return 6;
    if (text.size() < 12 || text[6] != '\\' || text[7] != 'u') return 0;
    return is_low_surrogate(code_unit(text.substr(8))) ? 12 : 0;
}

void append_utf8(std::string& out, std::uint32_t point) {
    const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
    if (point < 0x80) {
        byte(point);
    } else if (point < 0x800) {
        byte(0xC0 | point >> 6);
        byte(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        byte(0xE0 | point >> 12);
        byte(0x80 | (point >> 6 & 0x3F));
        byte(0x80 | (point & 0x3F));
    } else {
        byte(0xF0 | point >> 18);
        byte(0x80 | (point >> 12 & 0x3F));
        byte(0x80 | (point >> 6 & 0x3F));
        byte(0x80 | (point & 0x3F));
    }
}

void append_unescaped(std::string& out, std::string_view escape) {
    switch (escape[1]) {
        case 'b': out += '\b'; return;
        case 'f': out += '\f'; return;
        case 'n': out += '\n'; return;
        case 'r': out += '\r'; return;
        case 't': out += '\t'; return;
        case 'u': break;
        default: out += escape[1]; return;
    }
    auto point = static_cast<std::uint32_t>(code_unit(escape.substr(2)));
    if (escape.size() == 12) {
        const auto low = static_cast<std::uint32_t>(code_unit(escape.substr(8)));
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, point);
}

template <Surrogates surrogates>
bool all_escapes_are(std::string_view raw) noexcept {
    while (true) {
        raw.remove_prefix(find_byte(raw, '\\'));
        if (raw.empty()) return true;
        const std::size_t size = escape_size<surrogates>(raw);
        if (size == 0) return false;
        raw.remove_prefix(size);
    }
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// Removes the digits at the start of `text`; false if there are none.
bool take_digits(std::string_view& text) noexcept {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    text.remove_prefix(count);
    return count > 0;
}

/// Removes the zeros at the start of `text`; returns how many.
std::int64_t take_zeros(std::string_view& text) noexcept {
    const std::size_t count = std::min(text.find_first_not_of('0'), text.size());
    text.remove_prefix(count);
    return static_cast<std::int64_t>(count);
}

/// The exponent behind the `e`, cut off where it is far beyond that of any double.
std::int64_t exponent_from(std::string_view text) noexcept {
    constexpr std::int64_t large = 1'000'000'000'000;
    const bool is_negative = text.starts_with('-');
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    std::int64_t value = 0;
    for (const char digit : text) value = std::min(value * 10 + (digit - '0'), large);
    return is_negative ? -value : value;
}

/// The number does not round to infinity as a double. Its text is looked at, and nothing is
/// converted: strtod takes microseconds for some numbers, and a body may hold millions.
bool is_finite(std::string_view whole, std::string_view fraction,
               std::string_view exponent) noexcept {
    // 2^1024 - 2^970, from which numbers round to infinity, is 0.1797… times 10^309. A number that
    // agrees with all of these digits counts as too large.
    constexpr std::string_view limit = "179769313486231580793728971405303415079934132710";
    constexpr std::int64_t limit_exponent = 309;

    take_zeros(whole);
    std::int64_t point = static_cast<std::int64_t>(whole.size());  // it stands after these digits
    if (whole.empty()) {
        point = -take_zeros(fraction);
        if (fraction.empty()) return true;
    }
    const std::int64_t size = point + exponent_from(exponent);
    if (size != limit_exponent) return size < limit_exponent;
    for (const char expected : limit) {
        std::string_view& digits = whole.empty() ? fraction : whole;
        const char digit = digits.empty() ? '0' : digits.front();
        if (digit != expected) return digit < expected;
        digits.remove_prefix(digits.empty() ? 0 : 1);
    }
    return false;
}

}  // namespace

bool has_escape(std::string_view raw) noexcept {
    return find_byte(raw, '\\') < raw.size();
}

bool has_complete_escapes(std::string_view raw) noexcept {
    return all_escapes_are<Surrogates::may_be_alone>(raw);
}

bool has_valid_escapes(std::string_view raw) noexcept {
    return all_escapes_are<Surrogates::in_pairs>(raw);
}

std::string decode_string(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    while (!raw.empty()) {
        const std::size_t plain = find_byte(raw, '\\');
        out.append(raw.substr(0, plain));
        raw.remove_prefix(plain);
        if (raw.empty()) break;
        const std::size_t size = escape_size<Surrogates::in_pairs>(raw);
        append_unescaped(out, raw.substr(0, size));
        raw.remove_prefix(size);
    }
    return out;
}

bool decodes_to(std::string_view raw, std::string_view plain) {
    if (raw.size() == plain.size()) return raw == plain;
    // An escape is up to six bytes for each byte that it stands for.
    if (raw.size() < plain.size() || raw.size() > plain.size() * 6) return false;
    return has_escape(raw) && decode_string(raw) == plain;
}

bool is_number(std::string_view text) noexcept {
    constexpr std::size_t always_finite_bytes = 300;
    const std::size_t size = text.size();
    if (text.starts_with('-')) text.remove_prefix(1);
    std::string_view whole = text;
    if (text.starts_with('0')) {
        text.remove_prefix(1);
    } else if (!take_digits(text)) {
        return false;
    }
    whole.remove_suffix(text.size());
    std::string_view fraction;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        fraction = text;
        if (!take_digits(text)) return false;
        fraction.remove_suffix(text.size());
    }
    std::string_view exponent;
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        exponent = text;
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    if (!text.empty()) return false;
    return (exponent.empty() && size <= always_finite_bytes) ||
           is_finite(whole, fraction, exponent);
}

std::optional<std::int64_t> integer_from(std::string_view text) noexcept {
    const bool is_negative = text.starts_with('-');
    const std::string_view digits = text.substr(is_negative ? 1 : 0);
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
    std::int64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc()) return value;
    return is_negative ? std::numeric_limits<std::int64_t>::min()
                       : std::numeric_limits<std::int64_t>::max();
}

}  // namespace sluicegate::openai
