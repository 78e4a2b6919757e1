#include "config/base_url.hpp"

#include "sluicegate/config/address.hpp"

#include "config/units.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluicegate::config {
namespace {

constexpr std::size_t url_bytes_max = 2048;
constexpr std::size_t host_bytes_max = 253;  // RFC 1035 2.3.4, without the last dot
constexpr std::size_t label_bytes_max = 63;
constexpr std::size_t socket_bytes_max = 107;  // unix(7): sun_path, without its last byte

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= label_bytes_max && label.front() != '-' &&
           label.back() != '-' && std::ranges::all_of(label, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

bool is_dns_name(std::string_view name) {
    if (name.empty() || name.size() > host_bytes_max) return false;
    std::string_view rest = name;
    std::string_view last;
    while (true) {
        const std::size_t dot = rest.find('.');
        last = rest.substr(0, dot);
        if (!is_label(last)) return false;
        if (dot == std::string_view::npos) break;
        rest.remove_prefix(dot + 1);
    }
    // A name whose last label is digits looks like an IPv4 address: "10.0.0", "127.1". Resolvers
    // disagree about such names.
    return !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

/// Visible ASCII without the characters that RFC 3986 forbids in a URL.
bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < '\x7f' &&
               std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
    });
}

/// "" if `path` is empty, or absolute and in the form that is sent.
std::string why_not_a_path(std::string_view path) {
    if (!is_plain(path))
        return "its path may hold visible ASCII characters only; encode others as %XX";
    if (path.ends_with('/') || path.find("//") != std::string_view::npos) {
        return "its path may not hold an empty segment (//)";
    }
    const std::string closed = std::string(path) + '/';
    if (closed.find("/./") != std::string::npos || closed.find("/../") != std::string::npos) {
        return "its path may not hold . or .. segments";
    }
    return "";
}

/// The text after `http://unix:`: the path of a socket and, after a colon, that of the requests.
std::variant<Endpoint, std::string> parse_unix(std::string_view rest) {
    const std::size_t colon = rest.find(':');
    const std::string_view socket = rest.substr(0, colon);
    std::string_view path = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    if (!is_plain(socket) || socket.ends_with('/') || socket.size() > socket_bytes_max) {
        return "must have the path of a Unix socket after unix:, at most " +
               std::to_string(socket_bytes_max) + " visible ASCII characters";
    }
    if (!path.empty() && !path.starts_with('/')) return "must have a / after the socket's colon";
    if (path.ends_with('/')) path.remove_suffix(1);
    std::string reason = why_not_a_path(path);
    if (!reason.empty()) return reason;
    return Endpoint{.tls = false,
                    .host = "localhost",
                    .port = 80,
                    .path_prefix = std::string(path),
                    .unix_socket = std::string(socket)};
}

}  // namespace

bool is_target(std::string_view text) {
    return text.starts_with('/') && text.size() <= url_bytes_max && is_plain(text) &&
           text.find('#') == std::string_view::npos;
}

bool is_host(std::string_view host) {
    return IpAddress::parse(host).has_value() || is_dns_name(host);
}

std::variant<Endpoint, std::string> parse_base_url(std::string_view url) {
    if (url.size() > url_bytes_max) {
        return "must be at most " + std::to_string(url_bytes_max) + " bytes long";
    }
    Endpoint endpoint;
    if (url.starts_with("https://")) {
        endpoint.tls = true;
        url.remove_prefix(8);
    } else if (url.starts_with("http://")) {
        url.remove_prefix(7);
    } else {
        return "must begin with http:// or https://";
    }
    if (url.find('#') != std::string_view::npos) return "may not hold a fragment (#)";
    if (url.find('?') != std::string_view::npos) return "may not hold a query (?)";
    if (url.starts_with("unix:/")) {
        if (endpoint.tls) return "must begin with http:// where it names a Unix socket";
        return parse_unix(url.substr(5));
    }
    const std::size_t slash = url.find('/');
    const std::string_view authority = url.substr(0, slash);
    std::string_view path = slash == std::string_view::npos ? "" : url.substr(slash);
    if (authority.find('@') != std::string_view::npos) {
        return "may not hold a user or password (@); use api_key";
    }

    std::string_view host = authority;
    std::optional<std::string_view> port;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return "has a [ without its ]";
        host = authority.substr(1, close - 1);
        const std::string_view after = authority.substr(close + 1);
        if (!after.empty() && !after.starts_with(':')) return "has text between ] and the port";
        if (!after.empty()) port = after.substr(1);
        const auto address = IpAddress::parse(host);
        if (!address || host.find(':') == std::string_view::npos) {
            return "must have an IPv6 address between [ and ]";
        }
    } else {
        const std::size_t colon = authority.find(':');
        host = authority.substr(0, colon);
        if (colon != std::string_view::npos) port = authority.substr(colon + 1);
        if (!is_host(host)) {
            return host.empty() ? "has no host"
                                : "has a host that is neither a name nor an address";
        }
    }
    endpoint.host = host;
    // Host names ignore case, so equal names must compare equal.
    std::ranges::transform(endpoint.host, endpoint.host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    endpoint.port = endpoint.tls ? 443 : 80;
    if (port) {
        const auto number = parse_integer(*port);
        if (!number || *number < 1 || *number > 65535) return "must have a port of 1 … 65535";
        endpoint.port = static_cast<std::uint16_t>(*number);
    }
    if (path.ends_with('/')) path.remove_suffix(1);
    std::string reason = why_not_a_path(path);
    if (!reason.empty()) return reason;
    endpoint.path_prefix = path;
    return endpoint;
}

}  // namespace sluicegate::config
