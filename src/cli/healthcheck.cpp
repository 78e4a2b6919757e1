#include "sluicegate/config/load.hpp"

#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdio>
#include <string>

namespace sluicegate::cli {
namespace {

using boost::asio::ip::tcp;

constexpr std::chrono::seconds timeout{3};

/// The status line of GET /livez, or the error. It does not use /readyz: to restart a container
/// does not help while a provider is down.
std::string ask_livez(const config::Listener& admin) {
    tcp::iostream stream;
    stream.expires_after(timeout);
    std::string host = admin.host;
    // An address that means "all" is only for listening; connect to the loopback instead.
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    stream.connect(host, std::to_string(admin.port));
    if (!stream) return stream.error().message();
    stream << "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" << std::flush;
    std::string line;
    std::getline(stream, line);
    if (!stream) return stream.error().message();
    return line;
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
    const std::string answer = ask_livez(*loaded.config->admin.listen);
    if (answer.starts_with("HTTP/1.1 200")) return exit_success;
    std::fprintf(stderr, "not alive: %s\n", answer.c_str());
    return exit_failure;
}

}  // namespace sluicegate::cli
