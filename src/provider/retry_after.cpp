#include "sluicegate/provider/retry_after.hpp"

#include "sluicegate/provider/reset_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::provider {
namespace {

std::optional<double> non_negative_number(std::string_view text) {
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    if (!(value >= 0) || std::isinf(value)) return std::nullopt;
    return value;
}

Milliseconds bounded(double milliseconds) {
    const auto most = static_cast<double>(retry_after_max.count());
    return Milliseconds(static_cast<std::int64_t>(std::min(milliseconds, most)));
}

}  // namespace

Milliseconds retry_after_of(const http::FieldTable& fields, WallTime now) {
    for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
        if (const auto value = fields.find(name)) {
            if (const auto number = non_negative_number(*value)) return bounded(*number);
        }
    }
    if (const auto value = fields.find("retry-after")) {
        if (const auto wait = parse_reset(*value, now)) return std::min(*wait, retry_after_max);
    }
    return Milliseconds(0);
}

}  // namespace sluicegate::provider
