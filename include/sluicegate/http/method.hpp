#pragma once
/// Request methods that the gateway knows by name.
///
/// A well-formed token outside this set is refused with method_not_supported, like CONNECT:
/// RFC 9110 section 9.1 asks for 501 there and 405 for a known method that the resource does not
/// allow; to a client of this API the two mean the same.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::http {

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options, trace, connect };

/// As it stands on the wire: "GET".
[[nodiscard]] std::string_view name_of(Method method) noexcept;
/// Case-sensitive, RFC 9110 section 9.1: "get" is not a known method.
[[nodiscard]] std::optional<Method> method_of(std::string_view name) noexcept;

}  // namespace sluicegate::http
