#include "config/proxy_url.hpp"

#include "sluicegate/base/percent_encoding.hpp"

#include "config/base_url.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::string_view scheme = "http://";
constexpr std::size_t credentials_bytes_max = 1024;

Secret base64(const Secret& secret) {
    const std::string_view text = secret.reveal();
    std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock() ends it with NUL
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    encoded.resize(static_cast<std::size_t>(size));
    return Secret(std::move(encoded));
}

/// The credentials of Basic authentication (RFC 7617, 2) for `user:password`, or what is wrong.
std::variant<Secret, std::string> encode_credentials(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) {
        return "must have a user and a password before the @, as user:password";
    }
    if (text.size() > credentials_bytes_max) {
        return "may have at most " + std::to_string(credentials_bytes_max) +
               " bytes of user and password";
    }
    auto user = percent_decoded(text.substr(0, colon));
    auto password = percent_decoded(text.substr(colon + 1));
    if (!user || !password) return "has a % without two hexadecimal digits; % itself is %25";
    if (user->find(':') != std::string::npos) return "may not have a colon in its user";
    const Secret pair(*std::move(user) + ':' + *password);
    const Secret wiped(*std::move(password));
    const bool has_control_character = std::ranges::any_of(
        pair.reveal(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    if (has_control_character) return "may not have control characters in its user or password";
    return base64(pair);
}

bool has_port(std::string_view authority) {
    const std::size_t bracket = authority.find(']');
    const std::size_t host_end = bracket == std::string_view::npos ? 0 : bracket;
    return authority.find(':', host_end) != std::string_view::npos;
}

}  // namespace

std::variant<Proxy, std::string> parse_proxy_url(std::string_view url) {
    if (!url.starts_with(scheme)) return "must begin with http://";
    std::string_view authority = url.substr(scheme.size());
    Proxy proxy;
    // A host has no @, so the last @ is the right one even if the password contains another.
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
        auto encoded = encode_credentials(authority.substr(0, at));
        if (auto* reason = std::get_if<std::string>(&encoded)) return std::move(*reason);
        proxy.authorization = std::move(*std::get_if<Secret>(&encoded));
        authority.remove_prefix(at + 1);
    }
    auto parsed = parse_base_url(std::string(scheme) + std::string(authority));
    if (auto* reason = std::get_if<std::string>(&parsed)) return std::move(*reason);
    Endpoint& endpoint = *std::get_if<Endpoint>(&parsed);
    if (!endpoint.unix_socket.empty()) return "cannot be a Unix socket";
    if (!endpoint.path_prefix.empty()) return "may not hold a path";
    if (!has_port(authority)) return "needs a port, such as http://proxy.internal:3128";
    proxy.host = std::move(endpoint.host);
    proxy.port = endpoint.port;
    return proxy;
}

}  // namespace sluicegate::config
