#include "sluicegate/provider/target.hpp"

#include "sluicegate/http/syntax.hpp"

#include "provider/azure_path.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::provider {
namespace {

constexpr std::string_view version_parameter = "api-version";

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
    constexpr std::string_view azure_root = "/openai";
    constexpr std::string_view azure_v1 = "/openai/v1";
    std::string_view prefix;
    if (!upstream.endpoints.empty()) prefix = upstream.endpoints[endpoint].path_prefix;
    const bool is_azure = upstream.kind == config::UpstreamKind::azure;
    const bool has_version = is_azure && !upstream.api_version.empty();
    if (has_version && !prefix.ends_with(azure_v1)) {
        if (prefix.ends_with(azure_root)) prefix.remove_suffix(azure_root.size());
        out += prefix;
        append_azure_path(out, asked, model);
    } else {
        out += prefix;
        out += openai::upstream_path(asked);
    }
    char separator = '?';
    if (has_version) {
        out += separator;
        out += version_parameter;
        out += '=';
        out += upstream.api_version;
        separator = '&';
    }
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
        if (parameter.empty() || names_a_credential(parameter)) continue;
        if (is_azure && is_named(parameter, version_parameter)) continue;
        out += separator;
        out += parameter;
        separator = '&';
    }
}

}  // namespace sluicegate::provider
