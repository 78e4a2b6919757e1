#pragma once
/// Percent-encoded text, as in the parts of a URL (RFC 3986, 2.1).

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate {

/// Decoded once; nothing for a % without two hexadecimal digits behind it. Any byte may come out.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace sluicegate
