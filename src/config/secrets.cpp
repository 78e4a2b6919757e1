#include "sluicegate/config/secrets.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace sluicegate::config {
namespace {

/// "user:password" of the credentials of Basic (RFC 7617); "" for text that is no base64.
Secret decoded(std::string_view base64) {
    if (base64.empty() || base64.size() % 4 != 0) return {};
    std::string text(base64.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(base64.data()),
                                     static_cast<int>(base64.size()));
    Secret kept(std::move(text));
    if (size < 0) return {};
    const auto padding = static_cast<std::size_t>(std::ranges::count(base64, '='));
    return Secret(std::string(kept.reveal().substr(0, static_cast<std::size_t>(size) - padding)));
}

void add_basic(Redaction& redaction, std::string_view credentials) {
    redaction.add(credentials);
    const Secret pair = decoded(credentials);
    redaction.add(pair.reveal());
    redaction.add(
        pair.reveal().substr(std::min(pair.reveal().find(':'), pair.reveal().size() - 1) + 1));
}

void add_cookies(Redaction& redaction, std::string_view cookies) {
    while (!cookies.empty()) {
        const std::string_view cookie = cookies.substr(0, cookies.find(';'));
        redaction.add(cookie.substr(std::min(cookie.find('=') + 1, cookie.size())));
        cookies.remove_prefix(std::min(cookie.size() + 1, cookies.size()));
    }
}

void add_field(Redaction& redaction, const ExtraField& field) {
    const std::string_view value = field.value.reveal();
    redaction.add(value);
    if (field.name == "cookie") return add_cookies(redaction, value);
    if (!field.name.ends_with("authorization")) return;
    // RFC 9110, 11.4: a scheme, spaces, the credentials.
    const std::size_t space = value.find(' ');
    if (space == std::string_view::npos) return;
    const std::string_view credentials = value.substr(value.find_first_not_of(' ', space));
    redaction.add(credentials);
    add_basic(redaction, credentials);
}

}  // namespace

Redaction redaction_of(std::span<const Upstream> upstreams) {
    Redaction redaction;
    for (const Upstream& upstream : upstreams) {
        if (upstream.api_key) redaction.add(upstream.api_key->reveal());
        for (const ExtraField& field : upstream.headers) add_field(redaction, field);
        if (upstream.proxy && upstream.proxy->authorization) {
            add_basic(redaction, upstream.proxy->authorization->reveal());
        }
    }
    redaction.finish();
    return redaction;
}

}  // namespace sluicegate::config
