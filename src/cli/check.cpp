#include "sluicegate/app/snapshot_builder.hpp"
#include "sluicegate/config/changes.hpp"
#include "sluicegate/config/load.hpp"

#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <cstdio>
#include <utility>

namespace sluicegate::cli {
namespace {

int print_changes(const config::Config& before, const config::Config& after) {
    const auto fixed = config::restart_only_changes(before, after);
    for (const config::Problem& problem : fixed) {
        std::fprintf(stderr, "%s: %s\n", problem.path.c_str(), problem.message.c_str());
    }
    if (!fixed.empty()) {
        std::fprintf(stderr, "a reload would be refused: these changes need a restart\n");
        return exit_configuration;
    }
    const auto changes = config::describe_changes(before, after);
    std::printf(changes.empty() ? "a reload would change nothing\n" : "a reload would change:\n");
    for (const std::string& change : changes) std::printf("  %s\n", change.c_str());
    return exit_success;
}

}  // namespace

int check(const CheckOptions& options) {
    const std::string& file = options.file;
    const std::optional<std::string>& running = options.running;
    const config::Environment environment = config::process_environment();
    auto loaded = config::load(file, environment);
    if (!loaded) {
        print_problems(file, loaded.problems);
        return exit_configuration;
    }
    for (const std::string& note : loaded.config->notes) std::printf("%s\n", note.c_str());

    // The same code as in serve, up to the point where it would listen.
    const config::Config checked = *loaded.config;
    const route::StateRegistry states;
    app::SnapshotBuilder builder(states);
    auto built = builder.build(std::move(*loaded.config));
    if (!built) {
        std::fprintf(stderr, "%s: %s\n", file.c_str(), built.error().detail.c_str());
        return exit_configuration;
    }
    for (const std::string& warning : (*built)->warnings) {
        std::printf("warning: %s\n", warning.c_str());
    }
    if (options.is_strict && !(*built)->warnings.empty()) {
        std::fprintf(stderr, "%s: %zu warning%s, which --strict takes for mistakes\n", file.c_str(),
                     (*built)->warnings.size(), (*built)->warnings.size() == 1 ? "" : "s");
        return exit_configuration;
    }
    std::printf("%s: ok: %zu models, %zu users, %zu upstreams\n", file.c_str(),
                checked.models.size(), checked.users.size(), checked.upstreams.size());
    if (!running) return exit_success;

    auto before = config::load(*running, environment);
    if (!before) {
        print_problems(*running, before.problems);
        return exit_configuration;
    }
    return print_changes(*before.config, checked);
}

}  // namespace sluicegate::cli
