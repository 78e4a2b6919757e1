#include "sluicegate/config/upstream_kind.hpp"

#include <array>
#include <cstddef>

namespace sluicegate::config {
namespace {

constexpr std::array<UpstreamKindRow, static_cast<std::size_t>(UpstreamKind::count_)> rows{{
    {.kind = UpstreamKind::openai,
     .name = "openai",
     .api_key_header = "authorization",
     .has_address = true,
     .has_api_version = false},
    {.kind = UpstreamKind::azure,
     .name = "azure",
     .api_key_header = "api-key",
     .has_address = true,
     .has_api_version = true},
    {.kind = UpstreamKind::echo,
     .name = "echo",
     .api_key_header = "authorization",
     .has_address = false,
     .has_api_version = false},
}};

constexpr bool rows_stand_in_order() {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].kind != static_cast<UpstreamKind>(i)) return false;
    }
    return true;
}
static_assert(rows_stand_in_order(), "one row for each UpstreamKind, in the order of the enum");

}  // namespace

std::span<const UpstreamKindRow> upstream_kinds() noexcept {
    return rows;
}

const UpstreamKindRow& row_of(UpstreamKind kind) noexcept {
    return rows[static_cast<std::size_t>(kind)];
}

}  // namespace sluicegate::config
