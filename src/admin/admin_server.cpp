#include "sluicegate/admin/admin_server.hpp"

#include "sluicegate/base/log.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/http/request_head.hpp"
#include "sluicegate/net/byte_buffer.hpp"
#include "sluicegate/net/spawn.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace sluicegate::admin {
namespace {

namespace asio = net::asio;

constexpr http::HeadLimits head_limits{.head_bytes_max = 8192};

constexpr Milliseconds wrong_keys_window{60'000};
/// How much of a body is read and dropped, and for how long. A close with bytes that were not read
/// is a reset, which can take the answer from the client.
constexpr std::size_t dropped_bytes_max = std::size_t{1} << 20;
constexpr Milliseconds drop_timeout{1'000};

}  // namespace

struct AdminServer::Request {
    http::Method method = http::Method::get;
    std::string path;
    std::string query;
    bool has_body = false;
    std::optional<Refusal> refusal;
};

net::Task<void> AdminServer::drop_body(net::TimedStream& stream, Instant deadline) {
    std::array<char, 4096> some{};
    const asio::mutable_buffer into(some.data(), some.size());
    const net::ReadLimits limits{.deadline = deadline};
    for (std::size_t dropped = 0; dropped < dropped_bytes_max;) {
        const net::Transferred read = co_await stream.read_some(into, limits);
        if (read.ended != net::Ended::done) co_return;
        dropped += read.size;
    }
}

/// A request that waits for its action.
struct AdminServer::Waiting {
    net::Timer timer;
    std::optional<Page> page{};
};

/// Keeps a connection in the list of open connections while this object lives.
class AdminServer::Entered {
public:
    Entered(std::list<Open>& open, net::TimedStream& stream)
        : open_(open), at_(open.insert(open.end(), {.stream = &stream})) {}
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    ~Entered() { open_.erase(at_); }
    void has_sent_head() noexcept { at_->has_sent_head = true; }

private:
    std::list<Open>& open_;
    std::list<Open>::iterator at_;
};

AdminServer::AdminServer(asio::io_context& context, const Clock& clock,
                         std::map<std::string, MakePage> pages, AdminSettings settings)
    : context_(context),
      clock_(clock),
      pages_(std::move(pages)),
      settings_(std::move(settings)),
      listener_(context),
      deadlines_(clock.now()),
      tick_timer_(context.get_executor()) {
}

Result<void> AdminServer::bind(const std::string& host, std::uint16_t port) {
    return listener_.bind(host, port, net::Sharing::first);
}

void AdminServer::start() {
    is_running_ = true;
    net::spawn_vital(context_, tick(), "admin tick");
    auto accepted = [this](net::Socket socket) { accept(std::move(socket)); };
    net::spawn_vital(context_, listener_.run(std::move(accepted)), "admin listener");
}

void AdminServer::stop() noexcept {
    is_running_ = false;
    listener_.close();
    tick_timer_.cancel();
    for (const Open& open : open_) open.stream->cancel(ErrorKind::draining);
}

void AdminServer::accept(net::Socket socket) {
    make_room();
    net::spawn(context_, serve(std::move(socket)), "admin connection");
}

void AdminServer::make_room() {
    const auto is_live = [](const Open& open) { return !open.is_closed; };
    const auto live = std::ranges::count_if(open_, is_live);
    if (static_cast<std::size_t>(live) < connections_max) return;
    auto oldest = std::ranges::find_if(
        open_, [&](const Open& open) { return is_live(open) && !open.has_sent_head; });
    if (oldest == open_.end()) oldest = std::ranges::find_if(open_, is_live);
    oldest->is_closed = true;
    oldest->stream->cancel(ErrorKind::overloaded);
}

net::Task<void> AdminServer::tick() {
    while (is_running_) {
        tick_timer_.expires_after(net::Deadlines::tick_length * 10);
        co_await tick_timer_.async_wait(net::use_result);
        deadlines_.tick(clock_.now());
    }
}

net::Task<Result<AdminServer::Request>> AdminServer::receive(net::TimedStream& stream,
                                                             Instant deadline) {
    net::ByteBuffer in(2048);
    for (;;) {
        auto end = http::find_request_head_end(in.unread(), 0, head_limits);
        if (!end) co_return std::move(end).failure();
        if (*end > 0) {
            http::RequestHead head;
            auto parsed = http::parse_request_head(in.unread().substr(0, *end), head_limits, head);
            if (!parsed) co_return std::move(parsed).failure();
            Request request{.method = head.method,
                            .path = std::string(head.path),
                            .query = std::string(head.query),
                            .has_body = head.framing != http::Framing::none,
                            .refusal = settings_.access->refusal(head, head.path)};
            co_return request;
        }
        const auto room = in.make_room(1);
        const asio::mutable_buffer into(room.data(), room.size());
        const net::ReadLimits limits{.deadline = deadline};
        const net::Transferred read = co_await stream.read_some(into, limits);
        if (read.ended != net::Ended::done) co_return fail(ErrorKind::client_gone);
        in.commit(read.size);
    }
}

Page AdminServer::refused(const Refusal& refusal) {
    if (refusal.has_wrong_key) {
        const Instant now = clock_.now();
        if (wrong_keys_ == 0 || now - wrong_keys_since_ >= wrong_keys_window) {
            wrong_keys_since_ = now;
            wrong_keys_ = 0;
        }
        if (wrong_keys_ == wrong_keys_max) {
            return {.status = 429, .body = "too many requests with a wrong key\n"};
        }
        if (++wrong_keys_ == wrong_keys_max) {
            log::warn("admin_keys", "many requests to the admin port have a wrong key",
                      {{"count", wrong_keys_}});
        }
    }
    return {.status = refusal.status, .body = refusal.message + '\n'};
}

Page AdminServer::page_of(const Request& request) const {
    const auto found = pages_.find(request.path);
    if (found == pages_.end() && actions_.contains(request.path)) {
        return {.status = 405, .body = "POST only\n", .allowed_methods = "POST"};
    }
    if (found == pages_.end()) {
        std::string body = "not found; there is:\n";
        for (const auto& [name, page] : pages_) body += name + "\n";
        for (const auto& [name, act] : actions_) body += "POST " + name + "\n";
        return {.status = 404, .body = std::move(body)};
    }
    if (request.method != http::Method::get && request.method != http::Method::head) {
        return {.status = 405, .body = "GET only\n"};
    }
    return found->second(request.query);
}

Page AdminServer::page_for(const Request& request) {
    if (!request.refusal) return page_of(request);
    if (!is_open_page(request.path)) return refused(*request.refusal);
    Page page = page_of(request);
    // The reason names upstreams, which are none of a stranger's business.
    if (page.status == 503) page.body = "unavailable\n";
    return page;
}

const AdminServer::Act* AdminServer::action_of(const Request& request) const {
    if (request.refusal || request.method != http::Method::post) return nullptr;
    const auto found = actions_.find(request.path);
    return found == actions_.end() ? nullptr : &found->second;
}

net::Task<Page> AdminServer::answer_of(const Act& act) {
    auto waiting = std::make_shared<Waiting>(Waiting{.timer = net::Timer(context_.get_executor())});
    waiting->timer.expires_after(action_timeout);
    act([waiting](Page page) {
        waiting->page = std::move(page);
        waiting->timer.cancel();
    });
    if (!waiting->page) co_await waiting->timer.async_wait(net::use_result);
    if (waiting->page) co_return std::move(*waiting->page);
    Page late{.status = 503, .body = "not done yet, it goes on: see the log\n"};
    co_return late;
}

net::Task<void> AdminServer::serve(net::Socket socket) {
    if (!is_running_) co_return;
    const net::TlsContext tls = settings_.tls;
    net::TimedStream stream(deadlines_, std::move(socket), tls.get());
    Entered entered(open_, stream);
    const Instant accepted_at = clock_.now();
    const Instant head_deadline = accepted_at + head_timeout;
    if (tls) {
        const net::Transferred shaken = co_await stream.accept_tls(head_deadline);
        if (shaken.ended != net::Ended::done) co_return;
    }
    auto request = co_await receive(stream, head_deadline);
    if (!request && request.error().kind == ErrorKind::client_gone) co_return;
    entered.has_sent_head();
    const bool is_head = request && request->method == http::Method::head;
    const Act* const act = request ? action_of(*request) : nullptr;
    Page page{.status = 400, .body = "malformed request\n"};
    if (act != nullptr) {
        page = co_await answer_of(*act);
    } else if (request) {
        page = page_for(*request);
    }

    std::string head;
    http::append_status_line(head, page.status);
    http::append_field(head, "content-type", page.content_type);
    http::append_field(head, "cache-control", "no-store");
    http::append_field(head, "content-length", static_cast<std::int64_t>(page.body.size()));
    if (page.status == 401) http::append_field(head, "www-authenticate", "Bearer");
    if (page.status == 405) http::append_field(head, "allow", page.allowed_methods);
    if (page.status == 429) http::append_field(head, "retry-after", "60");
    http::append_field(head, "connection", "close");
    http::append_head_end(head);
    const std::array buffers{asio::const_buffer(head.data(), head.size()),
                             asio::const_buffer(page.body.data(), is_head ? 0 : page.body.size())};
    const net::WriteLimits limits{.deadline = accepted_at + connection_timeout};
    co_await stream.write(buffers, limits);
    stream.stream().shutdown_send();
    if (request && request->has_body) co_await drop_body(stream, clock_.now() + drop_timeout);
}

}  // namespace sluicegate::admin
