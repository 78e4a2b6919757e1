#pragma once
/// `upstreams.NAME.pass_headers`: fields of a client that reach an upstream besides the usual ones.

#include <span>
#include <string>
#include <string_view>

namespace sluicegate::config {

/// False for what never passes, however a server may spell it: credentials and cookies, fields of
/// the connection or of the body, and those that sluicegate writes itself. `name` is in lower case.
[[nodiscard]] bool may_pass_header(std::string_view name) noexcept;

/// One of the patterns stands for `name`; all are in lower case.
[[nodiscard]] bool is_passed_header(std::span<const std::string> patterns,
                                    std::string_view name) noexcept;

}  // namespace sluicegate::config
