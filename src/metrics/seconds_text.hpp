#pragma once
/// Writes nanoseconds as decimal seconds: exactly, and without trailing zeros.

#include <cstdint>
#include <string>

namespace sluicegate::metrics {

void append_seconds(std::string& out, std::int64_t nanoseconds);

}  // namespace sluicegate::metrics
