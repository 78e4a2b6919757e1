#include "sluicegate/provider/target.hpp"

#include "sluicegate/http/syntax.hpp"

#include "provider/kind_rules.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::provider {
namespace {

bool is_named(std::string_view parameter, std::string_view name) noexcept {
    return http::equals_ignoring_case(parameter.substr(0, parameter.find('=')), name);
}

bool names_a_credential(std::string_view parameter) noexcept {
    static constexpr std::array<std::string_view, 4> names{"key", "api-key", "api_key",
                                                           "access_token"};
    return std::ranges::any_of(
        names, [parameter](std::string_view name) { return is_named(parameter, name); });
}

}  // namespace

void append_target(std::string& out, const config::Upstream& upstream, std::size_t endpoint,
                   openai::Endpoint asked, std::string_view model, std::string_view query) {
    const KindRules& rules = rules_of(upstream.kind);
    std::string_view prefix;
    if (!upstream.endpoints.empty()) prefix = upstream.endpoints[endpoint].path_prefix;
    rules.append_path(out, upstream, prefix, asked, model);
    const bool has_version = !rules.version_parameter.empty();
    char separator = '?';
    if (has_version && !upstream.api_version.empty()) {
        out += separator;
        out += rules.version_parameter;
        out += '=';
        out += upstream.api_version;
        separator = '&';
    }
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
        if (parameter.empty() || names_a_credential(parameter)) continue;
        if (has_version && is_named(parameter, rules.version_parameter)) continue;
        out += separator;
        out += parameter;
        separator = '&';
    }
}

}  // namespace sluicegate::provider
