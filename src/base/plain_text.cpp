#include "base/plain_text.hpp"

#include "sluicegate/base/hex.hpp"

#include <algorithm>

namespace sluicegate {
namespace {

/// `#x0000002d;` has so many bytes behind its `&`.
constexpr std::size_t reference_bytes_max = 11;

/// One case. The two alphabets of base64 become one, and a space what forms write for it.
constexpr std::array<char, 256> folded = [] {
    std::array<char, 256> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const bool is_upper = i >= 'A' && i <= 'Z';
        table[i] = static_cast<char>(is_upper ? i - 'A' + 'a' : i);
    }
    table['-'] = '+';
    table['_'] = '/';
    table[' '] = '+';
    table['\t'] = '+';
    return table;
}();

constexpr std::array<bool, 256> is_special = [] {
    std::array<bool, 256> table{};
    for (const char byte : {'\\', '%', '&', '\r', '\n'}) {
        table[static_cast<unsigned char>(byte)] = true;
    }
    return table;
}();

char fold(unsigned byte) noexcept {
    return folded[byte & 0xFFU];
}

struct Reference {
    std::string_view name;
    char byte;
};
constexpr std::array<Reference, 5> references{
    {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};

/// How many bytes at the front of `rest` only lead a line: spaces, and the field name of an event
/// stream.
std::size_t line_lead(std::string_view rest) noexcept {
    const auto blanks = [&](std::size_t from) {
        return std::min(rest.find_first_not_of(" \t\r\n", from), rest.size());
    };
    std::size_t size = blanks(0);
    if (rest.substr(size).starts_with("data:")) size = blanks(size + 5);
    return size;
}

}  // namespace

PlainText::PlainText(std::string_view source, std::span<char> text,
                     std::span<SourceRange> places) noexcept
    : text_(text.data()), places_(places.data()) {
    for (std::size_t i = 0; i < source.size();) {
        i = take_plain(source, i);
        if (i == source.size()) break;
        const char byte = source[i];
        if (byte == '\n' || byte == '\r') {
            i += 1 + line_lead(source.substr(i + 1));
            continue;
        }
        push(byte, static_cast<std::uint32_t>(i));
        ++i;
    }
    std::fill_n(text_ + size_, padding, '\0');
}

/// Takes what neither is part of an escape nor ends a line: nearly everything. Returns where it
/// ends.
std::size_t PlainText::take_plain(std::string_view source, std::size_t from) noexcept {
    char* const text = text_;
    SourceRange* const places = places_;
    std::size_t size = size_;
    if (size < escape_until_) return from;
    std::size_t i = from;
    for (; i < source.size(); ++i) {
        const auto byte = static_cast<unsigned char>(source[i]);
        if (is_special[byte]) break;
        text[size] = folded[byte];
        const auto at = static_cast<std::uint32_t>(i);
        places[size] = {at, at + 1};
        ++size;
    }
    size_ = size;
    return i;
}

void PlainText::push(char byte, std::uint32_t at) noexcept {
    text_[size_] = fold(static_cast<unsigned char>(byte));
    places_[size_] = {at, at + 1};
    ++size_;
    while (size_ <= escape_until_ && undo_escape()) {
    }
    open_escape(byte);
}

/// An escape that begins with this byte ends within so many bytes.
void PlainText::open_escape(char byte) noexcept {
    const std::size_t longest = byte == '\\'  ? 5
                                : byte == '%' ? 2
                                : byte == '&' ? reference_bytes_max
                                              : 0;
    if (longest > 0) escape_until_ = std::max(escape_until_, size_ + longest);
}

/// The number that the last `count` bytes are in hexadecimal digits.
std::optional<unsigned> PlainText::last_digits(std::size_t count) const noexcept {
    unsigned value = 0;
    for (std::size_t i = size_ - count; i < size_; ++i) {
        const auto digit = hex_value(text_[i]);
        if (!digit) return std::nullopt;
        value = value * 16 + *digit;
    }
    return value;
}

/// The last `count` bytes become the one that they stand for.
void PlainText::replace(std::size_t count, unsigned value) noexcept {
    const std::size_t first = size_ - count;
    places_[first].end = places_[size_ - 1].end;
    // What lies beyond ASCII is in no secret.
    text_[first] = value < 0x80 ? fold(value) : '\x7f';
    size_ = first + 1;
    open_escape(text_[first]);
}

/// Whether the text ended with an escape: then the byte that it stands for may end another.
bool PlainText::undo_escape() noexcept {
    const auto before = [this](std::size_t distance) {
        return distance <= size_ ? text_[size_ - distance] : '\0';
    };
    const char last = before(1);
    if (before(2) == '\\') {
        if (last == '"' || last == '\'' || last == '/' || last == '\\') {
            replace(2, static_cast<unsigned char>(last));
            return true;
        }
        if (last == 'n' || last == 'r') size_ -= 2;  // the end of a line
        return false;
    }
    std::size_t digits = 0;
    if (before(3) == '%' || (before(3) == 'x' && before(4) == '\\')) digits = 2;
    if (before(5) == 'u' && before(6) == '\\') digits = 4;
    if (digits == 0) return last == ';' && undo_reference();
    const auto value = last_digits(digits);
    if (!value) return false;
    const std::size_t mark = before(digits + 1) == '%' ? 1 : 2;
    replace(digits + mark, *value);
    return true;
}

bool PlainText::undo_reference() noexcept {
    const std::size_t from = size_ - std::min(size_, reference_bytes_max + 1);
    const std::size_t at = text().find_last_of('&');
    if (at == std::string_view::npos || at < from) return false;
    const std::string_view written = text().substr(at);
    for (const auto& [name, byte] : references) {
        if (written != name) continue;
        replace(written.size(), static_cast<unsigned char>(byte));
        return true;
    }
    if (!written.starts_with("&#")) return false;
    const bool is_hex = written.starts_with("&#x");
    unsigned value = 0;
    for (const char c : written.substr(is_hex ? 3 : 2, written.size() - (is_hex ? 4 : 3))) {
        const auto digit = hex_value(c);
        if (!digit || (!is_hex && *digit > 9)) return false;
        value = value * (is_hex ? 16 : 10) + *digit;
    }
    replace(written.size(), value);
    return true;
}

}  // namespace sluicegate
