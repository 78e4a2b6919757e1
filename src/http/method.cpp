#include "sluicegate/http/method.hpp"

#include <array>
#include <cstddef>

namespace sluicegate::http {
namespace {

// In the order of the enum.
constexpr std::array<std::string_view, 9> names{"GET",    "HEAD",    "POST",  "PUT",    "PATCH",
                                                "DELETE", "OPTIONS", "TRACE", "CONNECT"};
static_assert(names.size() == static_cast<std::size_t>(Method::connect) + 1);

}  // namespace

std::string_view name_of(Method method) noexcept {
    return names[static_cast<std::size_t>(method)];
}

std::optional<Method> method_of(std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return static_cast<Method>(i);
    }
    return std::nullopt;
}

}  // namespace sluicegate::http
