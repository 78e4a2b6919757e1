#include "sluicegate/config/load.hpp"

#include "cli/admin_client.hpp"
#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <chrono>
#include <cstdio>
#include <string>

namespace sluicegate::cli {
namespace {

constexpr std::chrono::seconds timeout{3};

/// An address that means "all" is only for listening; the loopback is asked instead. The
/// certificate is not verified: the port is this container's own, the names in the certificate are
/// for others, and nothing secret is sent.
AdminPort port_of(const config::Listener& admin) {
    AdminPort port{.host = admin.host,
                   .port = admin.port,
                   .has_tls = admin.tls.has_value(),
                   .is_verified = false};
    if (port.host == "0.0.0.0") port.host = "127.0.0.1";
    if (port.host == "::") port.host = "::1";
    return port;
}

}  // namespace

int healthcheck(const std::string& file) {
    const auto loaded = config::load(file, config::process_environment());
    if (!loaded) {
        print_problems(file, loaded.problems);
        return exit_configuration;
    }
    if (!loaded.config->admin.listen) {
        std::fprintf(stderr, "%s: admin.listen is not set: there is no health to ask for\n",
                     file.c_str());
        return exit_configuration;
    }
    // Not /readyz: to restart a container does not help while a provider is down.
    const auto answer = ask_admin(port_of(*loaded.config->admin.listen), "/livez", "", timeout);
    if (answer && answer->status == 200) return exit_success;
    const std::string why = answer ? "HTTP " + std::to_string(answer->status) + ' ' + answer->body
                                   : answer.error().detail;
    std::fprintf(stderr, "not alive: %s\n", why.c_str());
    return exit_failure;
}

}  // namespace sluicegate::cli
