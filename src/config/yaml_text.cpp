#include "config/yaml_text.hpp"

#include <algorithm>
#include <iterator>

namespace sluicegate::config {
namespace {

bool is_control(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
}

bool is_plain(std::string_view text) {
    constexpr std::string_view begins_other = "-?:,[]{}#&*!|>'\"%@`~+.";
    constexpr std::string_view nulls[] = {"null", "Null", "NULL"};
    return !text.empty() && std::ranges::find(nulls, text) == std::ranges::end(nulls) &&
           begins_other.find(text.front()) == std::string_view::npos &&
           text.find_first_of("{}[],#\"") == std::string_view::npos &&
           std::ranges::none_of(text, is_control) && text.find(": ") == std::string_view::npos &&
           !text.ends_with(':') && !text.starts_with(' ') && !text.ends_with(' ');
}

}  // namespace

std::string double_quoted(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (is_control(c)) {
            out += "\\x";
            out += digits[byte >> 4U];
            out += digits[byte & 0xFU];
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string plain_or_quoted(std::string_view text) {
    return is_plain(text) ? std::string(text) : double_quoted(text);
}

}  // namespace sluicegate::config
