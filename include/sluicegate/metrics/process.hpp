#pragma once
/// What the process uses, read from the kernel just before a scrape.

#include "sluicegate/metrics/registry.hpp"

namespace sluicegate::metrics {

/// Sets every process_* metric and log_lines_dropped_total. Reads /proc (some 50 µs); a value
/// that cannot be read stays as it was.
void update_process_metrics(Registry& registry);

}  // namespace sluicegate::metrics
