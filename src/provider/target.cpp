#include "sluicegate/provider/target.hpp"

#include "sluicegate/base/percent_encoding.hpp"

#include "provider/kind_rules.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace sluicegate::provider {
namespace {

/// The parameters of a client that an upstream may get. Everything else stays here: a deny-list
/// would have to know every spelling of every parameter that carries a key or chooses a server.
constexpr std::array<std::string_view, 2> passed_parameters{"api-version", "beta"};

/// The parameter on the list that the encoded `name` stands for; "" if there is none.
std::string_view passed_parameter(std::string_view name) {
    const std::optional<std::string> decoded = percent_decoded(name);
    for (const std::string_view passed : passed_parameters) {
        if (decoded == passed) return passed;
    }
    return {};
}

/// Nothing that a parser could take for the start of another parameter.
bool is_plain_value(std::string_view value) noexcept {
    return std::ranges::all_of(value, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == '~';
    });
}

/// Appends what may pass of the client's query. `own` is the parameter that the gateway sets; ""
/// if there is none.
void append_passed_query(std::string& out, std::string_view query, std::string_view own,
                         char separator) {
    std::array<bool, passed_parameters.size()> is_written{};
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
        const std::size_t equals = std::min(parameter.find('='), parameter.size());
        const std::string_view name = passed_parameter(parameter.substr(0, equals));
        const std::string_view value = parameter.substr(std::min(equals + 1, parameter.size()));
        if (name.empty() || name == own || !is_plain_value(value)) continue;
        for (std::size_t i = 0; i < passed_parameters.size(); ++i) {
            if (passed_parameters[i] != name || is_written[i]) continue;
            is_written[i] = true;
            out += separator;
            out += name;
            out += '=';
            out += value;
            separator = '&';
        }
    }
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
    append_passed_query(out, query, rules.version_parameter, separator);
}

}  // namespace sluicegate::provider
