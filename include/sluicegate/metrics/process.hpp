#pragma once
/// The resources of the process, read from the kernel before a scrape.

#include "sluicegate/metrics/registry.hpp"

namespace sluicegate::metrics {

/// Sets all process_* metrics and log_lines_dropped_total. It reads /proc (about 50 µs). A value
/// that cannot be read keeps its old value.
void update_process_metrics(Registry& registry);

}  // namespace sluicegate::metrics
