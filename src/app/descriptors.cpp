#include "app/descriptors.hpp"

#include "sluicegate/base/log.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace sluicegate::app {

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    const rlim_t now = ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
    return now == RLIM_INFINITY ? 0 : static_cast<std::size_t>(now);
}

ConnectionBounds connection_bounds(std::size_t open_files_max, const config::Server& server,
                                   unsigned workers) {
    if (open_files_max == 0) return {.clients = server.connections_max};
    // Files, the admin port and look-ups; then those of each worker.
    constexpr std::size_t of_process = 20;
    constexpr std::size_t of_worker = 4;
    // A listener keeps one to refuse clients with.
    const std::size_t own = of_process + workers * (of_worker + 2 * server.listen.size());
    const std::size_t left = open_files_max > own ? open_files_max - own : 1;
    // Clients get three of four; the requests that run need the others for upstreams.
    const std::size_t clients = std::max<std::size_t>(left / 4 * 3, 1);
    if (clients < server.connections_max) {
        log::warn("config",
                  "the limit of open files leaves room for fewer clients than "
                  "server.max_connections: raise it",
                  {{"open_files", open_files_max}, {"clients", clients}});
    }
    return {.descriptors = left, .clients = std::min(clients, server.connections_max)};
}

}  // namespace sluicegate::app
