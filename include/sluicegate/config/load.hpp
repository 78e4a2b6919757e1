#pragma once
/// From YAML files to a Config, or to everything that is wrong with them.

#include "sluicegate/config/config.hpp"
#include "sluicegate/config/problem.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::config {

/// The value of an environment variable, or nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's own. Reads getenv(): nothing may change the environment meanwhile.
[[nodiscard]] Environment process_environment();

/// Exactly one of the two is there: a Config, or at least one Problem.
struct [[nodiscard]] LoadResult {
    std::optional<Config> config;
    std::vector<Problem> problems;  ///< in the order of the files and lines

    explicit operator bool() const noexcept { return config.has_value(); }
};

/// Reads `file`, what it includes, and the secret files it names.
///
/// Errors   values only, all at once; nothing is thrown, whatever the files hold.
/// Bounds   docs/configuration.md, "Bounds".
/// Threads  any; blocks on the disk.
LoadResult load(const std::string& file, const Environment& environment);

}  // namespace sluicegate::config
