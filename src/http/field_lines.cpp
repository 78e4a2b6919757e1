#include "http/field_lines.hpp"

#include "http/octets.hpp"

namespace sluicegate::http {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_white_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_white_space(text.back())) text.remove_suffix(1);
    return text;
}

bool ends_line(std::string_view head, std::size_t at) noexcept {
    return at + 1 < head.size() && head[at] == '\r' && head[at + 1] == '\n';
}

/// The fault of a name that does not end with ':', by the byte after it.
const char* bad_name(std::string_view head, std::size_t line, std::size_t at) noexcept {
    if (at == line && is_white_space(head[at])) return "a folded field line";
    if (at == line) return "an empty or malformed field name";
    if (is_white_space(head[at])) return "white space between a field name and its colon";
    return "a field name that is no token";
}

}  // namespace

MaybeFlaw parse_field_lines(std::string_view head, std::size_t at, const HeadLimits& limits,
                            FieldTable& fields) {
    constexpr Flaw cut{"the head ends within a line"};
    // With this, each name that begins within the head ends there, too.
    if (head.empty() || is(head.back(), token_octet)) return cut;
    while (true) {
        if (at >= head.size()) return cut;
        if (ends_line(head, at)) {
            if (at + 2 != head.size()) return Flaw{"bytes after the blank line of the head"};
            return std::nullopt;
        }
        const std::size_t line = at;
        while (is(head[at], token_octet)) ++at;
        if (at == line || head[at] != ':') {
            return Flaw{bad_name(head, line, at)};
        }
        const std::string_view name = head.substr(line, at - line);
        ++at;
        const std::size_t end = find_control(head, at);
        if (!ends_line(head, end)) return Flaw{"a control byte in a field value"};
        if (fields.size() >= limits.fields_max ||
            !fields.add(name, trimmed(head.substr(at, end - at)))) {
            return Flaw{"too many fields", ErrorKind::header_too_large};
        }
        at = end + 2;
    }
}

}  // namespace sluicegate::http
