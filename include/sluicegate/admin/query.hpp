#pragma once
/// Parameters in the query of a URL.

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::admin {

/// The value of the first parameter with that name, with "+" and "%20" decoded (WHATWG URL, 5.1). A
/// "%" without two hexadecimal digits stays as it is. Nothing if there is no such parameter.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace sluicegate::admin
