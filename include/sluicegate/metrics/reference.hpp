#pragma once
/// docs/metrics.md, written from the catalogue; a test holds the file to it.

#include <string>

namespace sluicegate::metrics {

[[nodiscard]] std::string reference_page();

}  // namespace sluicegate::metrics
