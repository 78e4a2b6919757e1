#include "sluicegate/config/load.hpp"
#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/stream.hpp"

#include "cli/commands.hpp"
#include "cli/problems.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace sluicegate::cli {
namespace {

namespace asio = net::asio;

constexpr std::chrono::seconds timeout{3};
constexpr std::size_t status_line_bytes_max = 1024;
constexpr std::string_view request =
    "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The status line of GET /livez, or the error. It does not use /readyz: to restart a container
/// does not help while a provider is down.
///
/// The certificate is not verified: the port is this container's own, the names in the certificate
/// are for others, and nothing secret is sent.
net::Task<void> ask_livez(net::Socket& socket, asio::ip::tcp::endpoint at, asio::ssl::context* tls,
                          std::string& answer) {
    auto [refused] = co_await socket.async_connect(at, net::use_result);
    if (refused) {
        answer = refused.message();
        co_return;
    }
    net::Stream stream(std::move(socket), tls);
    if (tls != nullptr) {
        auto [unshaken] = co_await stream.connect_tls();
        if (unshaken) {
            answer = "TLS: " + unshaken.message();
            co_return;
        }
    }
    const std::array text{asio::const_buffer(request.data(), request.size())};
    auto [unsent, sent] = co_await stream.write(text);
    if (unsent) {
        answer = unsent.message();
        co_return;
    }
    std::string got;
    while (got.find('\n') == std::string::npos && got.size() < status_line_bytes_max) {
        std::array<char, 256> some{};
        const asio::mutable_buffer into(some.data(), some.size());
        auto [ended, size] = co_await stream.read_some(into);
        if (ended) {
            answer = ended.message();
            co_return;
        }
        got.append(some.data(), size);
    }
    answer = got.substr(0, got.find_first_of("\r\n"));
}

std::string answer_of(const config::Listener& admin) {
    // An address that means "all" is only for listening; connect to the loopback instead.
    std::string host = admin.host;
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    asio::io_context context(1);
    asio::ssl::context tls(asio::ssl::context::tls_client);
    net::Socket socket(context.get_executor());
    std::string answer = "no answer in time";
    const asio::ip::tcp::endpoint at(asio::ip::make_address(host), admin.port);
    net::spawn(context, ask_livez(socket, at, admin.tls ? &tls : nullptr, answer), "healthcheck");
    context.run_for(timeout);
    return answer;
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
    const std::string answer = answer_of(*loaded.config->admin.listen);
    if (answer.starts_with("HTTP/1.1 200")) return exit_success;
    std::fprintf(stderr, "not alive: %s\n", answer.c_str());
    return exit_failure;
}

}  // namespace sluicegate::cli
