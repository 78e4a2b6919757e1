#include "provider/kind_rules.hpp"

#include "provider/azure_path.hpp"

#include <array>
#include <cstddef>

namespace sluicegate::provider {
namespace {

using config::UpstreamKind;

void append_openai_path(std::string& out, const config::Upstream& /*upstream*/,
                        std::string_view prefix, openai::Endpoint asked,
                        std::string_view /*model*/) {
    out += prefix;
    out += openai::upstream_path(asked);
}

constexpr std::array<KindRules, static_cast<std::size_t>(UpstreamKind::count_)> rows{{
    {.kind = UpstreamKind::openai,
     .fields = {},
     .append_path = append_openai_path,
     .version_parameter = ""},
    {.kind = UpstreamKind::azure,
     .fields = {},
     .append_path = append_azure_path,
     .version_parameter = "api-version"},
    {.kind = UpstreamKind::echo,
     .fields = {},
     .append_path = append_openai_path,
     .version_parameter = ""},
}};

constexpr bool rows_stand_in_order() {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].kind != static_cast<UpstreamKind>(i)) return false;
    }
    return true;
}
static_assert(rows_stand_in_order(), "one row for each UpstreamKind, in the order of the enum");

}  // namespace

const KindRules& rules_of(config::UpstreamKind kind) noexcept {
    return rows[static_cast<std::size_t>(kind)];
}

}  // namespace sluicegate::provider
