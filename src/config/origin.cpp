#include "sluicegate/config/origin.hpp"

#include "config/units.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::size_t origin_bytes_max = 300;
constexpr std::string_view scheme_end = "://";

char lower_of(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool is_letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_host_byte(char c) noexcept {
    return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_';
}

bool is_address_byte(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
}

bool is_scheme(std::string_view text) {
    return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
           std::ranges::all_of(text, [](char c) {
               return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.';
           });
}

bool is_host(std::string_view host) {
    if (host.starts_with('[')) {
        return host.size() > 2 && host.ends_with(']') &&
               std::ranges::all_of(host.substr(1, host.size() - 2), is_address_byte);
    }
    return !host.empty() && host.front() != '.' && std::ranges::all_of(host, is_host_byte);
}

/// Host and port of "scheme://host:port".
struct Authority {
    std::string_view host;
    std::string_view port;  ///< with its colon; empty when there is none
};

Authority split_authority(std::string_view text) {
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    if (!has_port) return {.host = text, .port = {}};
    return {.host = text.substr(0, colon), .port = text.substr(colon)};
}

bool is_port(std::string_view port) {
    if (port.empty()) return true;
    const auto number = parse_integer(port.substr(1));
    return number && *number > 0 && *number <= 65535;
}

bool is_default_port(std::string_view scheme, std::string_view port) {
    return (scheme == "http" && port == ":80") || (scheme == "https" && port == ":443");
}

bool equals_lower_case(std::string_view text, std::string_view lower) noexcept {
    return std::ranges::equal(text, lower, [](char a, char b) { return lower_of(a) == b; });
}

}  // namespace

std::optional<OriginPattern> OriginPattern::parse(std::string_view text) {
    if (text.size() > origin_bytes_max) return std::nullopt;
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), lower_of);
    constexpr std::size_t nowhere = std::string::npos;
    if (lower == "*" || lower == "null") return OriginPattern(std::move(lower), nowhere);
    const std::size_t end = lower.find(scheme_end);
    if (end == nowhere) return std::nullopt;
    const std::string_view whole = lower;
    const std::string_view scheme = whole.substr(0, end);
    const std::size_t begin = end + scheme_end.size();
    const Authority authority = split_authority(whole.substr(begin));
    const bool has_star = authority.host.starts_with("*.");
    const std::string_view host = authority.host.substr(has_star ? 2 : 0);
    if (!is_scheme(scheme) || !is_host(host) || !is_port(authority.port)) return std::nullopt;
    if (has_star && host.starts_with('[')) return std::nullopt;
    if (is_default_port(scheme, authority.port)) lower.resize(lower.size() - authority.port.size());
    return OriginPattern(std::move(lower), has_star ? begin : nowhere);
}

std::string OriginPattern::hint(std::string_view text) {
    const std::size_t end = text.find(scheme_end);
    const std::size_t host = end == std::string_view::npos ? end : end + scheme_end.size();
    const std::size_t path =
        host == std::string_view::npos ? host : text.find_first_of("/?#", host);
    if (path != std::string_view::npos && parse(text.substr(0, path))) {
        return "must end behind host and port: write " + std::string(text.substr(0, path));
    }
    return "must be an origin, such as https://app.example or http://localhost:3000, "
           "https://*.app.example for all hosts below it, \"null\", or \"*\" for all";
}

bool OriginPattern::matches(std::string_view origin) const noexcept {
    if (is_any()) return true;
    if (star_ == std::string::npos) return equals_lower_case(origin, text_);
    const std::string_view whole = text_;
    const std::string_view before = whole.substr(0, star_);
    const std::string_view behind = whole.substr(star_ + 1);  // with its dot
    if (origin.size() <= before.size() + behind.size()) return false;
    const std::string_view labels =
        origin.substr(before.size(), origin.size() - before.size() - behind.size());
    return equals_lower_case(origin.substr(0, before.size()), before) &&
           equals_lower_case(origin.substr(origin.size() - behind.size()), behind) &&
           labels.front() != '.' && labels.back() != '.' &&
           std::ranges::all_of(labels, [](char c) { return is_host_byte(lower_of(c)); });
}

}  // namespace sluicegate::config
