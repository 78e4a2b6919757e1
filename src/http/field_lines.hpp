#pragma once
/// The field lines of a head, from the one after the start line to the blank line.

#include "sluicegate/http/field_table.hpp"
#include "sluicegate/http/head_limits.hpp"

#include "http/flaw.hpp"

#include <cstddef>
#include <string_view>

namespace sluicegate::http {

/// Fills `fields` from `head`, starting at `at`. The blank line must be the end of `head`.
[[nodiscard]] MaybeFlaw parse_field_lines(std::string_view head, std::size_t at,
                                          const HeadLimits& limits, FieldTable& fields);

}  // namespace sluicegate::http
