#pragma once
/// The digest of an API key for the YAML file, computed without the gateway's code.

#include <string>
#include <string_view>

namespace sluicegate::support {

/// SHA-256 as 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace sluicegate::support
