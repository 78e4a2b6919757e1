#include "cli/admin_client.hpp"

#include "sluicegate/base/clock.hpp"
#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/stream.hpp"
#include "sluicegate/net/tls.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <array>
#include <charconv>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace sluicegate::cli {
namespace {

namespace asio = net::asio;

constexpr std::size_t answer_bytes_max = std::size_t{256} << 20;

struct Asked {
    const AdminPort& port;
    std::string request;
    net::TlsContext tls;
    net::SessionCache& sessions;
    std::string error = "no answer in time";
    std::string answer{};
};

using Addresses = std::vector<net::Socket::endpoint_type>;

net::Task<void> ask(net::Socket& socket, const Addresses& addresses, Asked& asked) {
    // "localhost" may have two, and the daemon listens on one of them.
    auto [refused, at] = co_await asio::async_connect(socket, addresses, net::use_result);
    if (refused) {
        asked.error = refused.message();
        co_return;
    }
    net::Stream stream(std::move(socket), asked.tls.get());
    if (asked.tls) {
        if (asked.port.is_verified) {
            auto ready =
                net::prepare_client_handshake(stream.tls_handle(), asked.port.host, asked.sessions);
            if (!ready) {
                asked.error = ready.error().detail;
                co_return;
            }
        }
        auto [unshaken] = co_await stream.connect_tls();
        if (unshaken) {
            asked.error = "TLS: " + unshaken.message();
            const std::string why = net::verification_error(stream.tls_handle());
            if (!why.empty()) asked.error += ": " + why;
            co_return;
        }
    }
    const std::array text{asio::const_buffer(asked.request.data(), asked.request.size())};
    auto [unsent, sent] = co_await stream.write(text);
    if (unsent) {
        asked.error = unsent.message();
        co_return;
    }
    while (asked.answer.size() < answer_bytes_max) {
        std::array<char, 4096> some{};
        const asio::mutable_buffer into(some.data(), some.size());
        auto [ended, size] = co_await stream.read_some(into);
        if (ended) break;  // the daemon closes the connection behind its answer
        asked.answer.append(some.data(), size);
    }
    asked.error.clear();
}

Result<AdminAnswer> answer_in(const std::string& text) {
    constexpr std::string_view begin = "HTTP/1.1 ";
    AdminAnswer answer;
    const std::size_t head_end = text.find("\r\n\r\n");
    if (!text.starts_with(begin) || head_end == std::string::npos) {
        return fail(ErrorKind::internal, "the answer is no HTTP");
    }
    std::from_chars(text.data() + begin.size(), text.data() + text.size(), answer.status);
    answer.body = text.substr(head_end + 4);
    return answer;
}

}  // namespace

std::optional<AdminPort> admin_port_of(std::string_view url) {
    AdminPort port;
    if (url.starts_with("https://")) {
        port.has_tls = true;
        url.remove_prefix(8);
    } else if (url.starts_with("http://")) {
        url.remove_prefix(7);
    } else {
        return std::nullopt;
    }
    if (url.ends_with('/')) url.remove_suffix(1);
    const std::size_t colon = url.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    std::string_view host = url.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string_view digits = url.substr(colon + 1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port.port);
    const bool is_number = read.ec == std::errc() && read.ptr == digits.data() + digits.size();
    if (!is_number || port.port == 0 || host.find_first_of("/@?# ") != std::string_view::npos) {
        return std::nullopt;
    }
    port.host = host;
    return port;
}

Result<AdminAnswer> ask_admin(const AdminPort& port, std::string_view path, std::string_view key,
                              std::chrono::milliseconds timeout) {
    asio::io_context context(1);
    asio::ip::tcp::resolver resolver(context);
    boost::system::error_code unknown;
    const auto found = resolver.resolve(port.host, std::to_string(port.port), unknown);
    if (unknown) return fail(ErrorKind::internal, port.host + ": " + unknown.message());

    const SystemClock clock;
    net::SessionCache sessions(clock);
    const bool is_v6 = port.host.find(':') != std::string::npos;
    const std::string shown = is_v6 ? '[' + port.host + ']' : port.host;
    Asked asked{.port = port,
                .request = "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + shown + ':' +
                           std::to_string(port.port) + "\r\nConnection: close\r\n",
                .tls = nullptr,
                .sessions = sessions};
    if (!key.empty()) asked.request += "Authorization: Bearer " + std::string(key) + "\r\n";
    asked.request += "\r\n";
    if (port.has_tls && port.is_verified) {
        auto made = net::make_client_tls({});
        if (!made) return std::move(made).failure();
        asked.tls = std::move(*made);
    } else if (port.has_tls) {
        asked.tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    }
    Addresses addresses;
    for (const auto& entry : found) addresses.emplace_back(entry.endpoint());
    net::Socket socket(context.get_executor());
    net::spawn(context, ask(socket, addresses, asked), "admin client");
    context.run_for(timeout);
    if (!asked.error.empty()) return fail(ErrorKind::internal, std::move(asked.error));
    return answer_in(asked.answer);
}

}  // namespace sluicegate::cli
