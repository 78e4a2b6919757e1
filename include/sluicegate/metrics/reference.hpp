#pragma once
/// The text of docs/metrics.md, made from the catalogue. A test compares the file with it.

#include <string>

namespace sluicegate::metrics {

[[nodiscard]] std::string reference_page();

}  // namespace sluicegate::metrics
