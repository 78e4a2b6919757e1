#pragma once
/// SHA-256, to tell one configuration from another.

#include <string>
#include <string_view>

namespace sluicegate::config {

/// 64 lower-case hexadecimal digits; "" if OpenSSL fails.
[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace sluicegate::config
