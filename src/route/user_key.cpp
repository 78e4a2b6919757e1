#include "sluicegate/route/user_key.hpp"

#include "route/mix.hpp"

namespace sluicegate::route {

std::uint64_t user_key(std::string_view name) noexcept {
    return hash_text(name);
}

}  // namespace sluicegate::route
