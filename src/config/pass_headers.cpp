#include "sluicegate/config/pass_headers.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::config {
namespace {

constexpr std::array<std::string_view, 20> never_passed{"accept-encoding",
                                                        "connection",
                                                        "content-encoding",
                                                        "content-length",
                                                        "content-type",
                                                        "expect",
                                                        "host",
                                                        "http2-settings",
                                                        "idempotency-key",
                                                        "keep-alive",
                                                        "proxy-authenticate",
                                                        "proxy-authentication-info",
                                                        "proxy-connection",
                                                        "set-cookie",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "www-authenticate",
                                                        "x-request-id"};

/// Any name with one of these is taken for a credential.
constexpr std::array<std::string_view, 6> credential_words{"authorization", "api-key",  "apikey",
                                                           "cookie",        "password", "secret"};

/// Servers that turn names into variables (CGI, WSGI) read `api_key` as api-key.
bool is_same_letter(char a, char b) noexcept {
    return (a == '_' ? '-' : a) == b;
}

bool equals_folded(std::string_view name, std::string_view wanted) noexcept {
    return std::ranges::equal(name, wanted, is_same_letter);
}

bool contains_folded(std::string_view name, std::string_view wanted) noexcept {
    return !std::ranges::search(name, wanted, is_same_letter).empty();
}

}  // namespace

bool may_pass_header(std::string_view name) noexcept {
    return std::ranges::none_of(never_passed,
                                [&](std::string_view one) { return equals_folded(name, one); }) &&
           std::ranges::none_of(credential_words,
                                [&](std::string_view one) { return contains_folded(name, one); });
}

bool is_passed_header(std::span<const std::string> patterns, std::string_view name) noexcept {
    return std::ranges::any_of(patterns, [name](std::string_view pattern) {
        if (!pattern.ends_with('*')) return pattern == name;
        return name.starts_with(pattern.substr(0, pattern.size() - 1));
    });
}

}  // namespace sluicegate::config
