#include "app/reload_page.hpp"

#include <nlohmann/json.hpp>

namespace sluicegate::app {
namespace {

admin::Page page_with(unsigned status, const char* name, const std::vector<std::string>& lines) {
    const nlohmann::json body = {{name, lines}};
    // Names of files need not be UTF-8.
    constexpr auto replace = nlohmann::json::error_handler_t::replace;
    return {.status = status,
            .content_type = "application/json",
            .body = body.dump(-1, ' ', false, replace) + '\n'};
}

}  // namespace

admin::Page reload_page(const ReloadOutcome& outcome) {
    if (outcome.is_in_force) return page_with(200, "changes", outcome.changes);
    std::vector<std::string> lines;
    for (const config::Problem& problem : outcome.problems) {
        lines.push_back(config::format(problem));
    }
    return page_with(422, "problems", lines);
}

admin::Page no_reload_page(unsigned status, const std::string& reason) {
    return page_with(status, "problems", {reason});
}

}  // namespace sluicegate::app
