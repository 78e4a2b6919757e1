#pragma once
/// Loads YAML files into a Config, or returns all their mistakes.

#include "sluicegate/config/config.hpp"
#include "sluicegate/config/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::config {

/// The value of an environment variable, or nothing if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of the process. It calls getenv(), so nothing may change the environment
/// meanwhile.
[[nodiscard]] Environment process_environment();

/// It has either a Config or at least one Problem.
struct [[nodiscard]] LoadResult {
    std::optional<Config> config;
    std::vector<Problem> problems;  ///< in the order of the files and lines

    explicit operator bool() const noexcept { return config.has_value(); }
};

/// Whether Config::effective_text is made.
enum class EffectiveText : std::uint8_t {
    none,
    if_small,  ///< unless the files are larger than effective_source_bytes_max: it takes time
    always
};
inline constexpr std::size_t effective_source_bytes_max = std::size_t{8} << 20;

/// Reads `file`, the files that it includes, and the secret files that it names.
///
/// Errors   all mistakes at once, as values. It never throws.
/// Bounds   docs/configuration.md, "Bounds".
/// Threads  any; blocks on the disk.
LoadResult load(const std::string& file, const Environment& environment,
                EffectiveText text = EffectiveText::none);

}  // namespace sluicegate::config
