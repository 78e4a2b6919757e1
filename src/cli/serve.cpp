#include "sluicegate/app/daemon.hpp"
#include "sluicegate/app/service_manager.hpp"
#include "sluicegate/app/signal_guard.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/config/load.hpp"

#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

namespace sluicegate::cli {
namespace {

constexpr std::chrono::milliseconds log_patience{3'000};

/// The reader of the log has stalled: nothing may wait for it, and what it misses is said.
[[noreturn]] void end_without_log() {
    log::write_last_words("sluicegate: ended without the last " +
                          std::to_string(log::unwritten_count()) +
                          " entries of the log, because nothing reads it");
    std::_Exit(exit_failure);
}

}  // namespace

int serve(const std::string& file) {
    // First: every thread inherits that the signals are blocked.
    app::SignalGuard signals;
    const app::ServiceManager service_manager = app::ServiceManager::from_environment();
    const config::Environment environment = config::process_environment();
    // Before a secret is read: a new thread inherits the registers of the thread that makes it, and
    // may leave them on its stack.
    log::start(log::Level::info);
    auto loaded = config::load(file, environment, config::EffectiveText::if_small);
    if (!loaded) {
        static_cast<void>(log::stop(log_patience));
        print_problems(file, loaded.problems);
        return exit_configuration;
    }
    log::set_level(loaded.config->log.level);
    Result<void> ended;
    {
        app::Daemon daemon(file, environment, signals, service_manager);
        ended = daemon.run(std::move(*loaded.config));
    }
    const bool is_log_written = log::stop(log_patience);
    if (!ended) {
        log::write_last_words("sluicegate: " + ended.error().detail);
    }
    if (!is_log_written) end_without_log();
    return ended ? exit_success : exit_failure;
}

}  // namespace sluicegate::cli
