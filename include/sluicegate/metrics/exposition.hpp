#pragma once
/// Writes the registry as text for Prometheus, format 0.0.4. Families are in the order of the
/// catalogue and series are sorted by their labels, so two scrapes can be compared line by line.

#include "sluicegate/metrics/registry.hpp"

#include <string>
#include <string_view>

namespace sluicegate::metrics {

inline constexpr std::string_view exposition_content_type =
    "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] std::string expose(const Registry& registry);

}  // namespace sluicegate::metrics
