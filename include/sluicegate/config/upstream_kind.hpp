#pragma once
/// The kinds of upstream, as `kind:` names them, and what the configuration of each may hold.

#include <cstdint>
#include <span>
#include <string_view>

namespace sluicegate::config {

enum class UpstreamKind : std::uint8_t {
    openai,  ///< any server that speaks OpenAI's API
    azure,   ///< OpenAI's API as Azure serves it: the same, but for its paths and its credential
    echo,    ///< the embedded one: no network
    count_   ///< number of kinds, not a kind
};

/// What they want of a request is in provider/kind_rules.hpp.
struct UpstreamKindRow {
    UpstreamKind kind;
    std::string_view name;            ///< in the configuration and on /status
    std::string_view api_key_header;  ///< where none is configured; lower case
    bool has_address;                 ///< it is a server: all keys about an address are for it
    bool has_api_version;             ///< it takes the key api_version
};

[[nodiscard]] std::span<const UpstreamKindRow> upstream_kinds() noexcept;
[[nodiscard]] const UpstreamKindRow& row_of(UpstreamKind kind) noexcept;

}  // namespace sluicegate::config
