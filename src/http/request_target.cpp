#include "http/request_target.hpp"

#include "sluicegate/http/syntax.hpp"

#include "http/octets.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstddef>

namespace sluicegate::http {
namespace {

constexpr std::size_t host_name_bytes_max = 255;
constexpr std::size_t port_digits_max = 5;
constexpr unsigned port_max = 65535;

/// True when `text` holds only bytes of `octet_class` and complete percent-encodings.
bool is_encoded(std::string_view text, OctetClass octet_class) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is(text[i], octet_class)) continue;
        if (text[i] != '%' || text.size() - i < 3) return false;
        if (!is(text[i + 1], hex_octet) || !is(text[i + 2], hex_octet)) return false;
        i += 2;
    }
    return true;
}

MaybeFlaw parse_origin_form(std::string_view target, RequestTarget& out) {
    const std::size_t question = std::min(target.find('?'), target.size());
    out.origin_form = target;
    out.path = target.substr(0, question);
    out.query = target.substr(std::min(question + 1, target.size()));
    if (!is_encoded(out.path, path_octet) || !is_encoded(out.query, query_octet)) {
        return Flaw{"a byte that no request target may hold"};
    }
    return std::nullopt;
}

/// The scheme with its "://", or nothing.
std::size_t scheme_size(std::string_view target) noexcept {
    for (const std::string_view scheme :
         {std::string_view("http://"), std::string_view("https://")}) {
        if (equals_ignoring_case(target.substr(0, scheme.size()), scheme)) return scheme.size();
    }
    return 0;
}

MaybeFlaw parse_absolute_form(std::string_view target, Method method, RequestTarget& out) {
    const std::size_t scheme = scheme_size(target);
    if (scheme == 0) return Flaw{"a request target that is no path and no http URL"};
    const std::string_view rest = target.substr(scheme);
    const std::size_t authority_size = std::min(rest.find_first_of("/?#"), rest.size());
    out.authority = rest.substr(0, authority_size);
    if (!is_host(out.authority)) return Flaw{"a request target with a malformed authority"};
    const std::string_view origin_form = rest.substr(authority_size);
    if (!origin_form.empty()) {
        if (origin_form.front() != '/') return Flaw{"a request target without a path"};
        return parse_origin_form(origin_form, out);
    }
    // RFC 9112 sections 3.2.1 and 3.2.4: the meaning of an absent path.
    out.origin_form = method == Method::options ? "*" : "/";
    out.path = out.origin_form;
    out.query = {};
    return std::nullopt;
}

bool is_ipv6(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return false;
    std::copy(text.begin(), text.end(), terminated.begin());
    in6_addr address{};
    return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

/// The digits after the colon; they may be absent (RFC 3986 section 3.2.3).
bool is_port(std::string_view text) noexcept {
    if (text.size() > port_digits_max) return false;
    unsigned port = 0;
    for (const char digit : text) {
        if (!is(digit, digit_octet)) return false;
        port = port * 10 + static_cast<unsigned>(digit - '0');
    }
    return port <= port_max;
}

}  // namespace

MaybeFlaw parse_target(std::string_view target, Method method, RequestTarget& out) {
    out.authority = {};
    if (target.empty()) return Flaw{"an empty request target"};
    if (target.front() == '/') return parse_origin_form(target, out);
    if (target == "*") {
        if (method != Method::options) return Flaw{"the request target * without OPTIONS"};
        out.origin_form = target;
        out.path = target;
        out.query = {};
        return std::nullopt;
    }
    return parse_absolute_form(target, method, out);
}

bool is_host(std::string_view text) noexcept {
    std::size_t name_end = 0;
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos || !is_ipv6(text.substr(1, bracket - 1)))
            return false;
        name_end = bracket + 1;
    } else {
        while (name_end < text.size() && is(text[name_end], host_octet)) ++name_end;
        if (name_end == 0 || name_end > host_name_bytes_max) return false;
    }
    if (name_end == text.size()) return true;
    return text[name_end] == ':' && is_port(text.substr(name_end + 1));
}

}  // namespace sluicegate::http
