#include "sluicegate/http/response_head.hpp"

#include "http/field_lines.hpp"
#include "http/framing_fields.hpp"
#include "http/head_scan.hpp"
#include "http/octets.hpp"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string_view>

namespace sluicegate::http {
namespace {

constexpr std::string_view version_prefix = "HTTP/1.";
/// "HTTP/1.1 200 ": the reason phrase after it may be empty, but the space is required.
constexpr std::size_t status_line_bytes_min = 13;
constexpr std::size_t minor_version_at = 7;
constexpr std::size_t status_at = 9;
constexpr std::size_t reason_at = 13;

Failure refuse(const char* detail) {
    return fail(ErrorKind::upstream_bad_response, detail);
}

MaybeFlaw parse_status_line(std::string_view line, ResponseHead& out) {
    if (line.size() < status_line_bytes_min || !line.starts_with(version_prefix)) {
        return Flaw{"a status line without version and status"};
    }
    const char minor = line[minor_version_at];
    if (minor != '0' && minor != '1') return Flaw{"a version other than HTTP/1.1 and HTTP/1.0"};
    if (line[status_at - 1] != ' ' || line[reason_at - 1] != ' ') {
        return Flaw{"a status line without its spaces"};
    }
    const std::string_view status = line.substr(status_at, 3);
    if (!std::all_of(status.begin(), status.end(), [](char c) { return is(c, digit_octet); })) {
        return Flaw{"a status that is no number"};
    }
    out.minor_version = minor == '1' ? 1 : 0;
    out.status = 0;
    for (const char digit : status)
        out.status = out.status * 10 + static_cast<unsigned>(digit - '0');
    if (out.status < 100 || out.status > 599) return Flaw{"a status outside 100 to 599"};
    if (out.status == 101) return Flaw{"a switch of protocols without a request for it"};
    return std::nullopt;
}

/// RFC 9112 section 6.3, items 1 and 4 to 8.
MaybeFlaw apply_framing(const FramingFields& framing, Method request_method, ResponseHead& out) {
    const bool never_has_body = out.status < 200 || out.status == 204;
    // RFC 9112 section 6.1 and RFC 9110 section 8.6; `Content-Length: 0` frames nothing.
    if (never_has_body && (framing.is_chunked || framing.content_length > 0)) {
        return Flaw{"a body is announced where the status allows none"};
    }
    if (never_has_body || out.status == 304 || request_method == Method::head) {
        out.framing = Framing::none;
    } else if (framing.is_chunked) {
        out.framing = Framing::chunked;
    } else if (framing.has_content_length) {
        out.framing = Framing::content_length;
    } else {
        out.framing = Framing::until_close;
    }
    out.content_length = out.framing == Framing::content_length ? framing.content_length : 0;
    out.keep_alive = out.framing != Framing::until_close && framing.keeps_alive(out.minor_version);
    return std::nullopt;
}

}  // namespace

Result<std::size_t> find_response_head_end(std::string_view bytes, std::size_t searched,
                                           const HeadLimits& limits) {
    const std::string_view window = bytes.substr(0, limits.head_bytes_max);
    const std::size_t prefix_size = std::min(window.size(), version_prefix.size());
    if (window.substr(0, prefix_size) != version_prefix.substr(0, prefix_size)) {
        return refuse("the first bytes are not HTTP/1");
    }
    const HeadScan scan = scan_head(window, 0, std::min(searched, window.size()));
    if (scan.flaw) return refuse(scan.flaw->detail);
    if (scan.size == 0 && bytes.size() >= limits.head_bytes_max) {
        return refuse("the head is too large");
    }
    return scan.size;
}

Result<void> parse_response_head(std::string_view head, Method request_method,
                                 const HeadLimits& limits, ResponseHead& out) {
    assert(request_method != Method::connect);
    if (head.size() > limits.head_bytes_max) return refuse("the head is too large");
    const std::size_t line_end = find_control(head, 0);
    if (head.substr(line_end, 2) != "\r\n") return refuse("a control byte in the status line");
    if (const MaybeFlaw flaw = parse_status_line(head.substr(0, line_end), out)) {
        return refuse(flaw->detail);
    }
    out.fields.clear();
    if (const MaybeFlaw flaw = parse_field_lines(head, line_end + 2, limits, out.fields)) {
        return refuse(flaw->detail);
    }
    FramingFields framing;
    if (const MaybeFlaw flaw = read_framing_fields(out.fields, out.minor_version, framing)) {
        return refuse(flaw->detail);
    }
    if (const MaybeFlaw flaw = apply_framing(framing, request_method, out)) {
        return refuse(flaw->detail);
    }
    return {};
}

}  // namespace sluicegate::http
