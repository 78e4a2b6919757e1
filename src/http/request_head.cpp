#include "sluicegate/http/request_head.hpp"

#include "sluicegate/http/syntax.hpp"

#include "http/field_lines.hpp"
#include "http/framing_fields.hpp"
#include "http/head_scan.hpp"
#include "http/octets.hpp"
#include "http/request_target.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sluicegate::http {
namespace {

/// Longer than any registered method: text of this length without a space is no request line.
constexpr std::size_t method_bytes_max = 32;

Failure refuse(const Flaw& flaw) {
    return fail(flaw.kind, flaw.detail);
}

/// True when the bytes at `start` can still become a method and its space.
bool may_start_request_line(std::string_view bytes, std::size_t start, std::size_t line_max) {
    const std::string_view line = bytes.substr(start, line_max);
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == ' ') return i > 0;
        if (i == method_bytes_max || !is(line[i], token_octet)) return false;
    }
    return true;
}

struct RequestLine {
    std::string_view method;
    std::string_view target;
    std::string_view version;
    std::size_t end = 0;  ///< where the first field line begins
};

MaybeFlaw split_request_line(std::string_view head, const HeadLimits& limits, RequestLine& out) {
    const std::size_t start = head.starts_with("\r\n") ? 2 : 0;
    const std::size_t line_end = find_control(head, start);
    if (line_end - start > limits.request_line_bytes_max) {
        return Flaw{"the request line is too long", ErrorKind::uri_too_long};
    }
    if (head.substr(line_end, 2) != "\r\n") return Flaw{"a control byte in the request line"};
    const std::string_view line = head.substr(start, line_end - start);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    // One space each. A third one would be in the target, which refuses it.
    if (first == std::string_view::npos || first == last) {
        return Flaw{"a request line without method, target and version"};
    }
    out.method = line.substr(0, first);
    out.target = line.substr(first + 1, last - first - 1);
    out.version = line.substr(last + 1);
    out.end = line_end + 2;
    if (out.method.size() > method_bytes_max || !is_token(out.method)) {
        return Flaw{"a method that is no token"};
    }
    if (out.version != "HTTP/1.1" && out.version != "HTTP/1.0") {
        return Flaw{"a version other than HTTP/1.1 and HTTP/1.0"};
    }
    return std::nullopt;
}

bool is_visible_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char byte) { return byte > ' ' && byte < 0x7F; });
}

Failure refuse_method(const RequestLine& line) {
    if (line.target.empty() || !is_visible_ascii(line.target)) {
        return fail(ErrorKind::bad_request, "a byte that no request target may hold");
    }
    std::string subject(line.method);
    subject.append(" ").append(line.target);
    return fail(ErrorKind::method_not_supported, "CONNECT or an unknown method",
                std::move(subject));
}

MaybeFlaw check_host(const FramingFields& framing, const RequestTarget& target,
                     unsigned minor_version) {
    if (framing.hosts > 1) return Flaw{"more than one Host"};
    if (framing.hosts == 0) {
        return minor_version == 0 ? MaybeFlaw{} : MaybeFlaw{Flaw{"no Host"}};
    }
    const bool may_be_empty = minor_version == 0 && target.authority.empty();
    if (framing.host.empty() && may_be_empty) return std::nullopt;
    if (!is_host(framing.host)) return Flaw{"an empty or malformed Host"};
    if (!target.authority.empty() && !equals_ignoring_case(target.authority, framing.host)) {
        return Flaw{"a request target whose authority is not the Host"};
    }
    return std::nullopt;
}

MaybeFlaw check_expect(const FramingFields& framing, unsigned minor_version) {
    if (minor_version == 0 || !framing.has_expect || framing.expects_only_continue) return {};
    return Flaw{"an Expect other than 100-continue", ErrorKind::expectation_failed};
}

void apply_framing(const FramingFields& framing, RequestHead& out) {
    out.framing = framing.is_chunked           ? Framing::chunked
                  : framing.has_content_length ? Framing::content_length
                                               : Framing::none;
    out.content_length = framing.content_length;
    out.keep_alive = framing.keeps_alive(out.minor_version);
    const bool has_body = framing.is_chunked || framing.content_length > 0;
    out.expects_continue = out.minor_version >= 1 && framing.has_expect && has_body;
    out.is_websocket_handshake = out.method == Method::get && out.minor_version >= 1 &&
                                 framing.offers_websocket && framing.connection_upgrade;
    out.host = framing.host;
}

}  // namespace

Result<std::size_t> find_request_head_end(std::string_view bytes, std::size_t searched,
                                          const HeadLimits& limits) {
    const std::string_view window = bytes.substr(0, limits.head_bytes_max);
    std::size_t start = 0;
    if (window.starts_with('\r')) {
        if (window.size() > 1 && window[1] != '\n') {
            return fail(ErrorKind::bad_request, "a CR without LF before the request line");
        }
        start = std::min<std::size_t>(2, window.size());
    }
    // Errors come in the order of the bytes that prove them, so that splits do not matter.
    const std::size_t line_max = limits.request_line_bytes_max;
    if (searched <= start + method_bytes_max && !may_start_request_line(window, start, line_max)) {
        return fail(ErrorKind::bad_request, "the first bytes are no HTTP method");
    }
    const std::size_t line_bound = start + line_max;
    if (searched <= line_bound && window.size() > line_bound &&
        find_control(window, start) > line_bound) {
        return fail(ErrorKind::uri_too_long, "the request line is too long");
    }
    const HeadScan scan = scan_head(window, start, std::min(searched, window.size()));
    if (scan.flaw) return refuse(*scan.flaw);
    if (scan.size == 0 && bytes.size() >= limits.head_bytes_max) {
        return fail(ErrorKind::header_too_large, "the head is too large");
    }
    return scan.size;
}

Result<void> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out) {
    if (head.size() > limits.head_bytes_max) {
        return fail(ErrorKind::header_too_large, "the head is too large");
    }
    RequestLine line;
    if (const MaybeFlaw flaw = split_request_line(head, limits, line)) return refuse(*flaw);
    const std::optional<Method> method = method_of(line.method);
    if (!method || *method == Method::connect) return refuse_method(line);
    out.method = *method;
    out.minor_version = line.version.back() == '1' ? 1 : 0;

    RequestTarget target;
    if (const MaybeFlaw flaw = parse_target(line.target, *method, target)) return refuse(*flaw);
    out.target = target.origin_form;
    out.path = target.path;
    out.query = target.query;

    out.fields.clear();
    if (const MaybeFlaw flaw = parse_field_lines(head, line.end, limits, out.fields)) {
        return refuse(*flaw);
    }
    FramingFields framing;
    if (const MaybeFlaw flaw = read_framing_fields(out.fields, out.minor_version, framing)) {
        return refuse(*flaw);
    }
    if (const MaybeFlaw flaw = check_host(framing, target, out.minor_version)) {
        return refuse(*flaw);
    }
    if (const MaybeFlaw flaw = check_expect(framing, out.minor_version)) return refuse(*flaw);
    apply_framing(framing, out);
    if (out.host.empty()) out.host = target.authority;
    return {};
}

}  // namespace sluicegate::http
