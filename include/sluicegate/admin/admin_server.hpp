#pragma once
/// The admin port: health and metrics for operators. It is never on a client port.
///
/// It serves GET and HEAD of pages and POST of actions, one request per connection. Callbacks make
/// the pages, so the server does not know the daemon; Access decides who gets which.
/// Bounds   64 connections; 2 s for a head (with the TLS handshake), 10 s for all. One more takes
///          the place of the oldest that has not sent a whole head, else of the oldest.
/// Threads  one: that of the io_context.

#include "sluicegate/admin/access.hpp"
#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/listener.hpp"
#include "sluicegate/net/timed_stream.hpp"
#include "sluicegate/net/tls.hpp"

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sluicegate::admin {

struct Page {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    std::string_view allowed_methods = "GET, HEAD";  ///< for a 405; never freed
};

/// What a reload may replace.
struct AdminSettings {
    std::shared_ptr<const Access> access;  ///< not null
    net::TlsContext tls{};                 ///< null: plain
};

class AdminServer {
public:
    static constexpr std::size_t connections_max = 64;
    static constexpr Milliseconds head_timeout{2'000};
    static constexpr Milliseconds connection_timeout{10'000};
    /// Beyond so many wrong keys in a minute, further ones are 429. A right one is always served.
    static constexpr unsigned wrong_keys_max = 60;

    /// Makes a page. `query` is the text after the "?", not decoded.
    using MakePage = std::function<Page(std::string_view query)>;
    /// Does something, and calls `answer` once: at once or later, on the thread of the server. The
    /// body of the request is dropped.
    using Act = std::function<void(std::function<void(Page)> answer)>;
    /// How long an action may take before its request is answered with 503. It goes on.
    static constexpr Milliseconds action_timeout{7'000};

    /// `pages`: by path, "/livez".
    AdminServer(net::asio::io_context& context, const Clock& clock,
                std::map<std::string, MakePage> pages, AdminSettings settings);
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    Result<void> bind(const std::string& host, std::uint16_t port);
    /// Accepts from this socket instead of one that bind() makes.
    Result<void> take(net::ListeningSocket socket) { return listener_.take(std::move(socket)); }
    /// POST of that path does it. Before start().
    void on_post(const std::string& path, Act act) { actions_[path] = std::move(act); }
    [[nodiscard]] std::string address() const { return listener_.address(); }
    void start();
    /// For the requests that come from now on.
    void configure(AdminSettings settings) noexcept { settings_ = std::move(settings); }
    /// Stops accepting and closes all open connections, because a silent client must not delay the
    /// end of the process.
    void stop() noexcept;

private:
    struct Request;
    struct Waiting;
    class Entered;
    struct Open {
        net::TimedStream* stream = nullptr;
        bool has_sent_head = false;
        bool is_closed = false;  ///< to make room; its task has not ended yet
    };

    net::Task<void> tick();
    void accept(net::Socket socket);
    void make_room();
    net::Task<void> serve(net::Socket socket);
    net::Task<Result<Request>> receive(net::TimedStream& stream, Instant deadline);
    static net::Task<void> drop_body(net::TimedStream& stream, Instant deadline);
    [[nodiscard]] Page page_for(const Request& request);
    [[nodiscard]] const Act* action_of(const Request& request) const;
    net::Task<Page> answer_of(const Act& act);
    [[nodiscard]] Page page_of(const Request& request) const;
    [[nodiscard]] Page refused(const Refusal& refusal);

    net::asio::io_context& context_;
    const Clock& clock_;
    std::map<std::string, MakePage> pages_;
    std::map<std::string, Act> actions_;
    AdminSettings settings_;
    net::Listener listener_;
    net::Deadlines deadlines_;
    net::Timer tick_timer_;
    std::list<Open> open_;  ///< the oldest first
    Instant wrong_keys_since_{};
    unsigned wrong_keys_ = 0;  ///< since then, within one minute
    bool is_running_ = false;
};

}  // namespace sluicegate::admin
