#include "sluicegate/http/head_writer.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <cstring>
#include <utility>

namespace sluicegate::http {
namespace {

// The registered phrases (RFC 9110 section 15, RFC 6585) of the statuses in use.
constexpr std::array<std::pair<unsigned, std::string_view>, 48> reasons{{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};

/// Appends a whole line: the string grows once, and short pieces are copied without a call.
void append_line(std::string& out, std::string_view name, std::string_view value) {
    constexpr std::string_view colon = ": ";
    constexpr std::string_view line_end = "\r\n";
    const std::size_t from = out.size();
    out.resize(from + name.size() + colon.size() + value.size() + line_end.size());
    char* to = out.data() + from;
    std::memcpy(to, name.data(), name.size());
    to += name.size();
    std::memcpy(to, colon.data(), colon.size());
    to += colon.size();
    if (!value.empty()) std::memcpy(to, value.data(), value.size());
    to += value.size();
    std::memcpy(to, line_end.data(), line_end.size());
}

template <class Number>
void append_number(std::string& out, Number value, int base) {
    std::array<char, 24> digits;
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
    out.append(digits.data(), written.ptr);
}

}  // namespace

void append_status_line(std::string& out, unsigned status) {
    assert(status >= 100 && status <= 599);
    out.append("HTTP/1.1 ");
    append_number(out, status, 10);
    out.append(" ").append(reason_of(status)).append("\r\n");
}

void append_request_line(std::string& out, Method method, std::string_view target) {
    assert(!target.empty() && is_field_value(target));
    assert(target.find(' ') == std::string_view::npos);
    out.append(name_of(method)).append(" ").append(target).append(" HTTP/1.1\r\n");
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    assert(is_token(name));
    assert(is_field_value(value));
    append_line(out, name, value);
}

void append_field(std::string& out, std::string_view name, std::int64_t value) {
    assert(is_token(name));
    std::array<char, 24> digits;
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    append_line(out, name, std::string_view(digits.data(), written.ptr));
}

void append_head_end(std::string& out) {
    out.append("\r\n");
}

void append_chunk_size(std::string& out, std::size_t size) {
    append_number(out, size, 16);
    out.append("\r\n");
}

std::string_view reason_of(unsigned status) noexcept {
    for (const auto& [known, reason] : reasons) {
        if (known == status) return reason;
    }
    return {};
}

}  // namespace sluicegate::http
