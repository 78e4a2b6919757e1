#pragma once
/// The admin port: health and metrics for operators. It is never on a client port.
///
/// It serves GET and HEAD, one request per connection. Callbacks make the pages, so the server does
/// not know the daemon.
/// Bounds   64 connections; 10 s for each.
/// Threads  one: that of the io_context.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/listener.hpp"
#include "sluicegate/net/timed_stream.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace sluicegate::admin {

struct Page {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

class AdminServer {
public:
    static constexpr std::size_t connections_max = 64;
    static constexpr Milliseconds connection_timeout{10'000};

    /// Makes a page. `query` is the text after the "?", not decoded.
    using MakePage = std::function<Page(std::string_view query)>;

    /// `pages`: by path, "/livez".
    AdminServer(net::asio::io_context& context, const Clock& clock,
                std::map<std::string, MakePage> pages);
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    Result<void> bind(const std::string& host, std::uint16_t port);
    [[nodiscard]] std::string address() const { return listener_.address(); }
    void start();
    /// Stops accepting and closes all open connections, because a silent client must not delay the
    /// end of the process.
    void stop() noexcept;

private:
    net::Task<void> tick();
    net::Task<void> serve(net::Socket socket);
    [[nodiscard]] Page page_for(std::string_view method, const std::string& path,
                                std::string_view query) const;

    net::asio::io_context& context_;
    const Clock& clock_;
    std::map<std::string, MakePage> pages_;
    net::Listener listener_;
    net::Deadlines deadlines_;
    net::Timer tick_timer_;
    std::set<net::TimedStream*> open_;
    bool is_running_ = false;
};

}  // namespace sluicegate::admin
