#pragma once
/// `body:` of an upstream or a model: which fields of a request's body are refused.
///
/// Without any configuration, the fields are refused that make a server behind the gateway choose
/// another model, server, key or price than the gateway chose, or that name what another user of
/// the same account has stored.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {

struct BodyPolicy {
    std::vector<std::string> deny;   ///< refused as well; wins over every `allow`
    std::vector<std::string> allow;  ///< not refused although they are denied by default

    friend bool operator==(const BodyPolicy&, const BodyPolicy&) = default;
};

/// Sorted. `background` is among them only with a value other than false, `service_tier` only with
/// one other than auto and default.
[[nodiscard]] std::span<const std::string_view> default_denied_fields() noexcept;

/// How many different names the lists of a configuration may add to the default.
inline constexpr std::size_t denied_names_max = 128;

}  // namespace sluicegate::config
