#pragma once
/// Percent-encoding, as in the parts of a URL (RFC 3986, 2.1).

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate {

/// Decodes `text` once. Nothing for a % without two hexadecimal digits after it. The result may
/// hold any byte.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace sluicegate
