#pragma once
/// The source tree and the binary under test. The build states both for paths.cpp alone: an
/// absolute path on every command line would keep compiler caches from serving other clones.

#include <filesystem>

namespace sluicegate::support {

/// The root of the source tree.
[[nodiscard]] std::filesystem::path source_folder();

/// The `sluicegate` of this build tree.
[[nodiscard]] std::filesystem::path built_binary();

}  // namespace sluicegate::support
