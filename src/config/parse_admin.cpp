#include "config/sections.hpp"

#include <algorithm>
#include <string_view>

namespace sluicegate::config {
namespace {

constexpr std::size_t admin_hosts_max = 100;
constexpr std::size_t admin_host_bytes_max = 253;

bool is_host_name(std::string_view text) {
    return !text.empty() && text.size() <= admin_host_bytes_max && text.front() != '.' &&
           text.find("..") == std::string_view::npos && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.' || c == '_';
           });
}

std::vector<std::string> parse_hosts(Context& context, const Value& at) {
    std::vector<std::string> hosts;
    for_each_element(context, at, admin_hosts_max, "one host name (leave it out for none)",
                     [&](const Value& element) {
                         const auto text = read_text(context, element);
                         if (!text) return;
                         if (!is_host_name(text->text)) {
                             add_problem(context, element,
                                         "must be a host name without scheme, port and wildcard, "
                                         "such as gateway.internal" +
                                             got(*text));
                             return;
                         }
                         hosts.push_back(text->text);
                     });
    return hosts;
}

}  // namespace

Admin parse_admin(Context& context, const Value& at, KeyPlaces& places) {
    const MapReader map(context, at, Section::admin);
    Admin admin;
    if (const auto listen = map.find("listen")) {
        admin.listen = parse_listen_address(context, *listen);
    }
    if (const auto tls = map.find("tls")) {
        const TlsListener files = parse_admin_tls(context, *tls);
        if (admin.listen) admin.listen->tls = files;
        if (!map.has("listen")) add_problem(context, *tls, "needs admin.listen");
    }
    if (const auto hosts = map.find("hosts")) admin.hosts = parse_hosts(context, *hosts);
    if (const auto keys = map.find("keys")) admin.keys = parse_admin_keys(context, *keys, places);
    map.boolean("show_users", admin.show_users);
    map.boolean("user_metrics", admin.user_metrics);
    return admin;
}

}  // namespace sluicegate::config
