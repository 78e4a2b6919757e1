#pragma once
/// The page /status of the admin port: what runs, how it goes, and what the limits have left.

#include "sluicegate/admin/admin_server.hpp"
#include "sluicegate/base/clock.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::app {

struct Reload {
    WallTime at{};
    bool has_succeeded = true;
};

struct StatusSources {
    const worker::Snapshot& snapshot;
    limit::Limiter& limiter;
    const metrics::Registry& registry;
    const Clock& clock;
    WallTime started_at;
    WallTime loaded_at;                 ///< the configuration in force
    std::optional<Reload> last_reload;  ///< since the start
    bool is_draining;
    std::string_view config_file;
};

/// Pairs of user and model that one page lists.
inline constexpr std::size_t status_pairs_max = 1000;

/// JSON; docs/operations.md lists the fields. `query`: `user=U`, `model=M` or both choose whose
/// limits are shown; with neither, those that are in use. 404 for a name that is not configured,
/// 403 for a user where admin.show_users is off.
[[nodiscard]] admin::Page status_page(const StatusSources& sources, std::string_view query);

}  // namespace sluicegate::app
