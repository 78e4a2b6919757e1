#pragma once
/// The number by which routes know a user: evenly distributed, and the same for the same name in
/// every process.

#include <cstdint>
#include <string_view>

namespace sluicegate::route {

[[nodiscard]] std::uint64_t user_key(std::string_view name) noexcept;

}  // namespace sluicegate::route
