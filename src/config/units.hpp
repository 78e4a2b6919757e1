#pragma once
/// Parses numbers in the form of the file: counts, durations and sizes with units, dates.

#include "sluicegate/base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::config {

/// Decimal digits with an optional minus. A number that does not fit becomes the largest or
/// smallest value, which a range check refuses.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
/// "250ms", "30s", "15m", "24h": a whole number and one unit. Saturates like parse_integer().
[[nodiscard]] std::optional<Milliseconds> parse_duration(std::string_view text);
/// Bytes: "16384B", "64KiB", "32MiB", "1GiB". Saturates like parse_integer().
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);
/// "10%": a whole number and the sign. Saturates like parse_integer().
[[nodiscard]] std::optional<std::int64_t> parse_percent(std::string_view text);
/// "2027-01-01" (00:00 UTC of that day) or RFC 3339, "2027-01-01T09:30:00+01:00"; 1970 … 2199.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

/// In the largest unit that is exact: "15m", "90s", "32MiB".
[[nodiscard]] std::string duration_text(Milliseconds value);
[[nodiscard]] std::string size_text(std::int64_t bytes);
/// "10%"
[[nodiscard]] std::string percent_text(std::int64_t value);
/// "2027-01-01T00:00:00Z"
[[nodiscard]] std::string time_text(WallTime value);

/// "has expired" or "expires in N days" if that is at most 14 days away; else "".
[[nodiscard]] std::string expiry_text(WallTime end);

}  // namespace sluicegate::config
