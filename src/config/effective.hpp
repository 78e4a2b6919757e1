#pragma once
/// The text of `sluicegate config show`: a configuration as it takes effect, as YAML.

#include "sluicegate/config/config.hpp"

#include "config/node.hpp"
#include "config/warnings.hpp"

#include <string>
#include <vector>

namespace sluicegate::config {

/// All files in one, defaults included. A comment behind each value says where it comes from.
/// Secrets, digests and what may hold either are "***"; variables of the environment stay as they
/// are written. `folders` are those of the files, for relative paths.
[[nodiscard]] std::string effective_text(const Node& main, const WrittenEntries& written,
                                         const Config& config,
                                         const std::vector<std::string>& folders);

}  // namespace sluicegate::config
