#pragma once
/// What `POST /reload` answers.
///
/// Source  docs/operations.md, "Reload"

#include "sluicegate/admin/admin_server.hpp"
#include "sluicegate/config/problem.hpp"

#include <string>
#include <vector>

namespace sluicegate::app {

/// How a reload went, for the one who has asked for it.
struct ReloadOutcome {
    bool is_in_force = false;
    std::vector<std::string> changes{};       ///< where it is in force
    std::vector<config::Problem> problems{};  ///< where it is not
};

/// 200 with the changes, or 422 with the problems as `sluicegate check` prints them.
[[nodiscard]] admin::Page reload_page(const ReloadOutcome& outcome);
/// No reload was tried, for that reason.
[[nodiscard]] admin::Page no_reload_page(unsigned status, const std::string& reason);

}  // namespace sluicegate::app
