#pragma once
/// Request methods that the gateway knows by name.
///
/// Another well-formed token is refused with method_not_supported, like CONNECT. RFC 9110 section
/// 9.1 asks for 501 for it, and for 405 if the resource does not allow a known method. For a client
/// of this API the two mean the same.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::http {

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options, trace, connect };

/// The name on the wire: "GET".
[[nodiscard]] std::string_view name_of(Method method) noexcept;
/// Case-sensitive, RFC 9110 section 9.1: "get" is not a known method.
[[nodiscard]] std::optional<Method> method_of(std::string_view name) noexcept;

}  // namespace sluicegate::http
