#include "sluicegate/app/snapshot_builder.hpp"
#include "sluicegate/config/changes.hpp"
#include "sluicegate/config/load.hpp"

#include "cli/admin_client.hpp"
#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::cli {
namespace {

void print_lines(const std::vector<std::string>& changes) {
    std::printf(changes.empty() ? "a reload would change nothing\n" : "a reload would change:\n");
    for (const std::string& change : changes) std::printf("  %s\n", change.c_str());
}

int print_changes(const config::Config& before, const config::Config& after) {
    const auto fixed = config::restart_only_changes(before, after);
    for (const config::Problem& problem : fixed) {
        std::fprintf(stderr, "%s: %s\n", problem.path.c_str(), problem.message.c_str());
    }
    if (!fixed.empty()) {
        std::fprintf(stderr, "a reload would be refused: these changes need a restart\n");
        return exit_configuration;
    }
    print_lines(config::describe_changes(before, after));
    return exit_success;
}

/// With the daemon whose admin port this is. A key stands in the environment, where no list of
/// processes shows it.
int compare_with_daemon(const std::string& url, const AdminPort& port, const std::string& text) {
    constexpr std::chrono::seconds timeout{10};
    const char* const key = std::getenv("SLUICEGATE_ADMIN_KEY");
    const auto answer = ask_admin(port, "/config", key == nullptr ? "" : key, timeout);
    if (!answer) {
        std::fprintf(stderr, "%s: %s\n", url.c_str(), answer.error().detail.c_str());
        return exit_failure;
    }
    if (answer->status != 200) {
        const bool needs_key = answer->status == 401 || answer->status == 403;
        std::fprintf(stderr, "%s/config: HTTP %u: %s%s", url.c_str(), answer->status,
                     answer->body.c_str(),
                     needs_key ? "\nset SLUICEGATE_ADMIN_KEY to a key of admin.keys\n" : "");
        return exit_failure;
    }
    const auto changes = config::changes_of_texts(answer->body, text);
    if (!changes) {
        std::fprintf(stderr, "%s/config: is no configuration\n", url.c_str());
        return exit_failure;
    }
    if (!changes->refused.empty()) {
        for (const std::string& path : changes->refused) {
            std::fprintf(stderr, "%s: needs a restart\n", path.c_str());
        }
        std::fprintf(stderr, "a reload would be refused: these changes need a restart\n");
        return exit_configuration;
    }
    print_lines(changes->lines);
    std::printf(
        "secrets, hashes of keys and values of the environment were not compared: the daemon does "
        "not tell them\n");
    return exit_success;
}

}  // namespace

int check(const CheckOptions& options) {
    const std::string& file = options.file;
    const std::optional<std::string>& running = options.running;
    const config::Environment environment = config::process_environment();
    const auto port = running ? admin_port_of(*running) : std::nullopt;
    if (!port && running && (running->starts_with("http://") || running->starts_with("https://"))) {
        std::fprintf(stderr, "sluicegate: --against %s: write the admin port as http://HOST:PORT\n",
                     running->c_str());
        return exit_usage;
    }
    auto loaded = config::load(file, environment,
                               port ? config::EffectiveText::always : config::EffectiveText::none);
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
    if (port) return compare_with_daemon(*running, *port, checked.effective_text);

    auto before = config::load(*running, environment);
    if (!before) {
        print_problems(*running, before.problems);
        return exit_configuration;
    }
    return print_changes(*before.config, checked);
}

}  // namespace sluicegate::cli
