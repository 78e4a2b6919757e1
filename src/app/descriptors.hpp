#pragma once
/// How many descriptors the process may open, and how many of them are for connections.

#include "sluicegate/config/server.hpp"

#include <cstddef>

namespace sluicegate::app {

/// Each connection is a descriptor, on either side: the soft limit is raised as far as it goes.
/// Returns how many there may be; 0 when that is not known.
std::size_t raise_descriptor_limit();

struct ConnectionBounds {
    std::size_t descriptors = 0;  ///< for connections of clients and to upstreams; 0: not known
    std::size_t clients = 0;      ///< at most `server.max_connections`
};

/// What `open_files_max` (0: not known) leaves for connections. Logs a warning where that is less
/// than the configuration allows.
[[nodiscard]] ConnectionBounds connection_bounds(std::size_t open_files_max,
                                                 const config::Server& server, unsigned workers);

}  // namespace sluicegate::app
