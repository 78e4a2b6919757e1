#pragma once
/// Why a request was answered by the upstream that it was answered by.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluicegate::worker {

enum class RouteReason : std::uint8_t {
    share,     ///< its turn, by weight
    spill,     ///< those before it could not take the request
    failover,  ///< an attempt had failed
    none,      ///< no upstream answered; this one was tried last
};
inline constexpr std::size_t route_reasons = 4;
[[nodiscard]] constexpr std::string_view name_of(RouteReason reason) noexcept {
    constexpr std::array<std::string_view, route_reasons> names{"share", "spill", "failover",
                                                                "none"};
    return names[static_cast<std::size_t>(reason)];
}

}  // namespace sluicegate::worker
