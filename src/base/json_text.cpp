#include "sluicegate/base/json_text.hpp"

#include "sluicegate/base/utf8.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace sluicegate {
namespace {

void append_escaped(std::string& out, char c) {
    static constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    const auto value = static_cast<unsigned char>(c);
    out += "\\u00";
    out += hex[value >> 4];
    out += hex[value & 0xF];
}

/// Bytes that stand for themselves in a JSON string.
constexpr std::array<bool, 256> is_plain = [] {
    std::array<bool, 256> table{};
    for (std::size_t c = 0x20; c < 0x7F; ++c) table[c] = c != '"' && c != '\\';
    return table;
}();

std::size_t plain_size(std::string_view text) noexcept {
    std::size_t size = 0;
    while (size < text.size() && is_plain[static_cast<unsigned char>(text[size])]) ++size;
    return size;
}

/// A member is put together here, so that the string it goes to grows once.
using ShortText = std::array<char, 512>;

char* put_text(char* to, std::string_view piece) noexcept {
    if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
    return to + piece.size();
}

/// Writes `,"name":`.
char* put_member_name(char* to, std::string_view name) noexcept {
    assert(name.size() <= json_member_name_bytes_max);
    *to++ = ',';
    *to++ = '"';
    to = put_text(to, name);
    *to++ = '"';
    *to++ = ':';
    return to;
}

/// The quotes, comma and colon of a member.
constexpr std::size_t member_bytes = std::string_view(R"(,"":"")").size();

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const std::size_t plain = plain_size(text);
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;

        const std::size_t size = utf8_sequence(text);
        if (size > 1) {
            out.append(text.substr(0, size));
            text.remove_prefix(size);
        } else if (size == 1) {
            append_escaped(out, text.front());
            text.remove_prefix(1);
        } else {
            out += "\xEF\xBF\xBD";
            text.remove_prefix(1);
        }
    }
    out += '"';
}

void append_decimal(std::string& out, std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, end.ptr);
}

void append_json_member(std::string& out, std::string_view name, std::string_view value) {
    ShortText member;
    const bool fits = name.size() + value.size() + member_bytes <= member.size();
    if (fits && plain_size(value) == value.size()) {
        char* to = put_member_name(member.data(), name);
        *to++ = '"';
        to = put_text(to, value);
        *to++ = '"';
        out.append(member.data(), to);
        return;
    }
    out.append(",\"").append(name).append("\":");
    append_json_string(out, value);
}

void append_json_member(std::string& out, std::string_view name, std::int64_t value) {
    ShortText member;
    char* const digits = put_member_name(member.data(), name);
    const auto end = std::to_chars(digits, member.data() + member.size(), value);
    out.append(member.data(), end.ptr);
}

}  // namespace sluicegate
