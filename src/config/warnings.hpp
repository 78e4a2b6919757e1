#pragma once
/// What a valid configuration will probably not do as its admin means it.

#include "sluicegate/config/config.hpp"

#include "config/map_reader.hpp"

#include <vector>

namespace sluicegate::config {

/// The entries of the sections as they stand in the files.
struct WrittenEntries {
    std::vector<NamedEntry> upstreams;
    std::vector<NamedEntry> models;
    std::vector<NamedEntry> groups;
    std::vector<NamedEntry> users;
};

/// Looks at the whole of a configuration without problems. What one value shows by itself is warned
/// of where it is parsed.
void warn_of_doubts(Context& context, const Node& main, const WrittenEntries& written,
                    const Config& config);

}  // namespace sluicegate::config
