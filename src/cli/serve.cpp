#include "sluicegate/app/daemon.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/config/load.hpp"

#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <cstdio>
#include <utility>

namespace sluicegate::cli {

int serve(const std::string& file) {
    const config::Environment environment = config::process_environment();
    auto loaded = config::load(file, environment);
    if (!loaded) {
        print_problems(file, loaded.problems);
        return exit_configuration;
    }
    log::start(loaded.config->log.level);
    Result<void> ended;
    {
        app::Daemon daemon(file, environment);
        ended = daemon.run(std::move(*loaded.config));
    }
    log::stop();
    if (ended) return exit_success;
    std::fprintf(stderr, "sluicegate: %s\n", ended.error().detail.c_str());
    return exit_failure;
}

}  // namespace sluicegate::cli
