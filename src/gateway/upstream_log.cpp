#include "gateway/upstream_log.hpp"

#include "sluicegate/base/log.hpp"

namespace sluicegate::gateway {

void log_upstream_state(std::string_view upstream, std::string_view endpoint,
                        const route::Change& change) {
    const bool is_healthy = change.to == route::Health::healthy;
    log::write(is_healthy ? log::Level::info : log::Level::warn, "upstream_state",
               is_healthy ? "an endpoint is healthy again" : "an endpoint is not healthy",
               {{"upstream", upstream},
                {"endpoint", endpoint},
                {"state", route::name_of(change.to)},
                {"reason", change.reason}});
}

}  // namespace sluicegate::gateway
