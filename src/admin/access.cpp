#include "sluicegate/admin/access.hpp"

#include "sluicegate/auth/credentials.hpp"
#include "sluicegate/config/address.hpp"
#include "sluicegate/http/syntax.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sluicegate::admin {
namespace {

using config::IpAddress;

/// `[::1]:9090`, `::1`; `Name.Test.:9090`, `Name.Test`. A name with a dot at its end is the same.
std::string_view name_in(std::string_view authority) {
    if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
    std::string_view name = authority.substr(0, authority.find(':'));
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

/// True if a page with this origin came from the port that it asks.
bool is_own_origin(std::string_view origin, std::string_view host) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!origin.starts_with(scheme)) continue;
        return !host.empty() && http::equals_ignoring_case(origin.substr(scheme.size()), host);
    }
    return false;
}

bool is_from_another_site(const http::RequestHead& request) {
    return std::ranges::any_of(request.fields, [&](const http::Field& field) {
        if (http::equals_ignoring_case(field.name, "origin")) {
            return !is_own_origin(field.value, request.host);
        }
        // `same-site` is any port of the same machine, and so any page that a developer tries.
        return http::equals_ignoring_case(field.name, "sec-fetch-site") &&
               field.value != "same-origin" && field.value != "none";
    });
}

bool is_loopback(const std::string& host) {
    const auto address = IpAddress::parse(host);
    if (!address) return false;
    if (address->is_v4()) return address->bytes()[12] == 127;
    return address == IpAddress::parse("::1");
}

/// A ring that knows one owner: the admin keys have no user.
auth::KeyRing ring_of(const config::Admin& admin) {
    const config::User owner{.name = "admin", .group = "", .limits = {}, .keys = admin.keys};
    const auth::KeyRing::Ids ids{
        .user = [](std::string_view) { return UserId{}; },
        .model = [](std::string_view) -> std::optional<ModelId> { return std::nullopt; }};
    return auth::KeyRing::build(std::span(&owner, 1), ids);
}

}  // namespace

bool is_open_page(std::string_view path) noexcept {
    return path == "/livez" || path == "/readyz";
}

Access::Access(const config::Admin& admin)
    : keys_(ring_of(admin)), is_on_loopback_(admin.listen && is_loopback(admin.listen->host)) {
    hosts_.insert("localhost");
    for (const std::string& host : admin.hosts) hosts_.insert(lower_case(name_in(host)));
}

bool Access::is_known_host(std::string_view host) const {
    // Only HTTP/1.0 leaves it out, which no browser speaks.
    if (host.empty()) return true;
    const std::string_view name = name_in(host);
    return IpAddress::parse(name).has_value() || hosts_.contains(lower_case(name));
}

std::optional<Refusal> Access::refusal_of_key(const http::FieldTable& fields) const {
    auth::PresentedCredentials presented;
    if (const auto value = fields.find("authorization")) presented.take("authorization", *value);
    const auto key = auth::credential_of(presented);
    if (!key && key.error().kind == ErrorKind::missing_api_key) {
        return Refusal{.status = 401,
                       .message = "this page needs a key of admin.keys: Authorization: Bearer KEY"};
    }
    const bool is_repeated = fields.count("authorization") > 1;
    if (key && !is_repeated && keys_.find(auth::hash_key(*key)) != nullptr) return std::nullopt;
    return Refusal{.status = 401,
                   .message = "the key is none of admin.keys; a reload adds new ones",
                   .has_wrong_key = true};
}

std::optional<Refusal> Access::refusal(const http::RequestHead& request,
                                       std::string_view path) const {
    if (!is_known_host(request.host)) {
        return Refusal{.message =
                           "this host name is not allowed here: ask by IP address or as "
                           "localhost, or add the name to admin.hosts"};
    }
    if (is_from_another_site(request)) {
        return Refusal{.message =
                           "a page of another site may not ask here: open this address itself, "
                           "or ask without Origin and Sec-Fetch-Site"};
    }
    if (keys_.size() > 0) return refusal_of_key(request.fields);
    if (is_on_loopback_ || is_open_page(path) || path == "/metrics") return std::nullopt;
    return Refusal{.message =
                       "this page is not shown without a key where the port can be reached from "
                       "outside: set admin.keys, or listen on 127.0.0.1"};
}

}  // namespace sluicegate::admin
