#include "http/framing_fields.hpp"

#include "sluicegate/http/syntax.hpp"

#include "http/octets.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

namespace sluicegate::http {
namespace {

/// As many as the largest value has, leading zeros included.
constexpr std::size_t length_digits_max = 19;

MaybeFlaw read_content_length(std::string_view text, FramingFields& out) {
    if (out.has_content_length) return Flaw{"more than one Content-Length"};
    out.has_content_length = true;
    const bool is_number = !text.empty() && std::all_of(text.begin(), text.end(), [](char byte) {
        return is(byte, digit_octet);
    });
    if (!is_number) return Flaw{"a Content-Length that is no number"};
    if (text.size() > length_digits_max) return Flaw{"a Content-Length with too many digits"};
    std::from_chars(text.data(), text.data() + text.size(), out.content_length);
    if (out.content_length > std::numeric_limits<std::int64_t>::max()) {
        return Flaw{"a Content-Length beyond 2^63-1"};
    }
    return std::nullopt;
}

MaybeFlaw read_transfer_encoding(std::string_view text, FramingFields& out) {
    if (out.is_chunked) return Flaw{"more than one Transfer-Encoding"};
    if (!equals_ignoring_case(text, "chunked")) {
        return Flaw{"a Transfer-Encoding other than chunked"};
    }
    out.is_chunked = true;
    return std::nullopt;
}

/// Takes the next element, without the white space around it; "" for one that is empty.
std::string_view take_element(std::string_view& list) noexcept {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view element = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (!element.empty() && is_white_space(element.front())) element.remove_prefix(1);
    while (!element.empty() && is_white_space(element.back())) element.remove_suffix(1);
    return element;
}

/// Empty list elements are skipped, as RFC 9110 section 5.6.1.2 asks of recipients.
MaybeFlaw read_connection(std::string_view list, FramingFields& out) {
    while (!list.empty()) {
        const std::string_view option = take_element(list);
        if (option.empty()) continue;
        if (!is_token(option)) return Flaw{"a Connection that is no list of tokens"};
        if (equals_ignoring_case(option, "close")) out.connection_close = true;
        if (equals_ignoring_case(option, "keep-alive")) out.connection_keep_alive = true;
        if (equals_ignoring_case(option, "upgrade")) out.connection_upgrade = true;
    }
    return std::nullopt;
}

/// Every other offer is ignored, whatever it looks like.
void read_upgrade(std::string_view list, FramingFields& out) noexcept {
    while (!list.empty()) {
        if (equals_ignoring_case(take_element(list), "websocket")) out.offers_websocket = true;
    }
}

/// The name is `wanted` once everything but its letters and digits is left out. Servers that turn
/// names into variables (CGI, WSGI) read `Transfer_Encoding` as Transfer-Encoding.
bool resembles(std::string_view name, std::string_view wanted) noexcept {
    for (const char byte : name) {
        const char low = lower(byte);
        const bool counts = (low >= 'a' && low <= 'z') || is(byte, digit_octet);
        if (!counts) continue;
        if (wanted.empty() || low != wanted.front()) return false;
        wanted.remove_prefix(1);
    }
    return wanted.empty();
}

/// For a name that is not exactly that of a framing field.
MaybeFlaw refuse_imitation(std::string_view name) noexcept {
    constexpr std::string_view length = "contentlength";
    constexpr std::string_view encoding = "transferencoding";
    if (name.size() < length.size()) return std::nullopt;
    const char first = lower(name.front());
    const bool is_other_word = first >= 'a' && first <= 'z' && first != 'c' && first != 't';
    if (is_other_word) return std::nullopt;  // true of most fields
    if (resembles(name, length) || resembles(name, encoding)) {
        return Flaw{"a field whose name only resembles Content-Length or Transfer-Encoding"};
    }
    return std::nullopt;
}

/// The names that matter have different sizes, so most fields cost one comparison.
MaybeFlaw read_field(const Field& field, FramingFields& out) {
    const auto named = [&field](std::string_view name) {
        return equals_ignoring_case(field.name, name);
    };
    switch (field.name.size()) {
        case std::string_view("host").size():
            if (named("host")) {
                ++out.hosts;
                out.host = field.value;
            }
            return std::nullopt;
        case std::string_view("expect").size():
            if (named("expect")) {
                out.has_expect = true;
                if (!equals_ignoring_case(field.value, "100-continue")) {
                    out.expects_only_continue = false;
                }
            }
            return std::nullopt;
        case std::string_view("upgrade").size():
            if (named("upgrade")) read_upgrade(field.value, out);
            return std::nullopt;
        case std::string_view("connection").size():
            return named("connection") ? read_connection(field.value, out) : std::nullopt;
        case std::string_view("content-length").size():
            return named("content-length") ? read_content_length(field.value, out)
                                           : refuse_imitation(field.name);
        case std::string_view("transfer-encoding").size():
            return named("transfer-encoding") ? read_transfer_encoding(field.value, out)
                                              : refuse_imitation(field.name);
        default: return refuse_imitation(field.name);
    }
}

}  // namespace

MaybeFlaw read_framing_fields(const FieldTable& fields, unsigned minor_version,
                              FramingFields& out) {
    for (const Field& field : fields) {
        if (const MaybeFlaw flaw = read_field(field, out)) return flaw;
    }
    if (out.is_chunked && minor_version == 0) return Flaw{"Transfer-Encoding in HTTP/1.0"};
    if (out.is_chunked && out.has_content_length) {
        return Flaw{"Transfer-Encoding beside Content-Length"};
    }
    return std::nullopt;
}

}  // namespace sluicegate::http
