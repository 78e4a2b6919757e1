#include "sluicegate/config/load.hpp"

#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <cstdio>

namespace sluicegate::cli {

int config_show(const std::string& file) {
    const auto loaded =
        config::load(file, config::process_environment(), config::EffectiveText::always);
    if (!loaded) {
        print_problems(file, loaded.problems);
        return exit_configuration;
    }
    std::fputs(loaded.config->effective_text.c_str(), stdout);
    return exit_success;
}

}  // namespace sluicegate::cli
