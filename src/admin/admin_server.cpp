#include "sluicegate/admin/admin_server.hpp"

#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/http/request_head.hpp"
#include "sluicegate/net/byte_buffer.hpp"
#include "sluicegate/net/spawn.hpp"

#include <array>
#include <utility>

namespace sluicegate::admin {
namespace {

namespace asio = net::asio;

constexpr http::HeadLimits head_limits{.head_bytes_max = 8192};

struct Request {
    http::Method method = http::Method::get;
    std::string path;
    std::string query;
};

net::Task<Result<Request>> receive(net::TimedStream& stream, net::ByteBuffer& in,
                                   Instant deadline) {
    for (;;) {
        auto end = http::find_request_head_end(in.unread(), 0, head_limits);
        if (!end) co_return std::move(end).failure();
        if (*end > 0) {
            http::RequestHead head;
            auto parsed = http::parse_request_head(in.unread().substr(0, *end), head_limits, head);
            if (!parsed) co_return std::move(parsed).failure();
            Request request{head.method, std::string(head.path), std::string(head.query)};
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

/// Keeps a connection in the list of open connections while this object lives.
class Entered {
public:
    Entered(std::set<net::TimedStream*>& open, net::TimedStream& stream)
        : open_(open), stream_(&stream) {
        open_.insert(stream_);
    }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    ~Entered() { open_.erase(stream_); }

private:
    std::set<net::TimedStream*>& open_;
    net::TimedStream* stream_;
};

}  // namespace

AdminServer::AdminServer(asio::io_context& context, const Clock& clock,
                         std::map<std::string, MakePage> pages)
    : context_(context),
      clock_(clock),
      pages_(std::move(pages)),
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
    auto accepted = [this](net::Socket socket) {
        if (open_.size() >= connections_max) return;
        net::spawn(context_, serve(std::move(socket)), "admin connection");
    };
    net::spawn_vital(context_, listener_.run(std::move(accepted)), "admin listener");
}

void AdminServer::stop() noexcept {
    is_running_ = false;
    listener_.close();
    tick_timer_.cancel();
    for (net::TimedStream* stream : open_) stream->cancel(ErrorKind::draining);
}

net::Task<void> AdminServer::tick() {
    while (is_running_) {
        tick_timer_.expires_after(net::Deadlines::tick_length * 10);
        co_await tick_timer_.async_wait(net::use_result);
        deadlines_.tick(clock_.now());
    }
}

Page AdminServer::page_for(std::string_view method, const std::string& path,
                           std::string_view query) const {
    const auto found = pages_.find(path);
    if (found == pages_.end()) {
        std::string body = "not found; there is:\n";
        for (const auto& [name, page] : pages_) body += name + "\n";
        return {.status = 404, .body = std::move(body)};
    }
    if (method != "GET" && method != "HEAD") return {.status = 405, .body = "GET only\n"};
    return found->second(query);
}

net::Task<void> AdminServer::serve(net::Socket socket) {
    if (!is_running_) co_return;
    net::TimedStream stream(deadlines_, std::move(socket), nullptr);
    const Entered entered(open_, stream);
    const Instant deadline = clock_.now() + connection_timeout;

    net::ByteBuffer in(2048);
    auto request = co_await receive(stream, in, deadline);
    Page page{.status = 400, .body = "malformed request\n"};
    bool is_head = false;
    if (request) {
        page = page_for(name_of(request->method), request->path, request->query);
        is_head = request->method == http::Method::head;
    } else if (request.error().kind == ErrorKind::client_gone) {
        co_return;
    }

    std::string head;
    http::append_status_line(head, page.status);
    http::append_field(head, "content-type", page.content_type);
    http::append_field(head, "cache-control", "no-store");
    http::append_field(head, "content-length", static_cast<std::int64_t>(page.body.size()));
    if (page.status == 405) http::append_field(head, "allow", "GET, HEAD");
    http::append_field(head, "connection", "close");
    http::append_head_end(head);
    const std::array buffers{asio::const_buffer(head.data(), head.size()),
                             asio::const_buffer(page.body.data(), is_head ? 0 : page.body.size())};
    const net::WriteLimits limits{.deadline = deadline};
    co_await stream.write(buffers, limits);
    stream.stream().shutdown_send();
}

}  // namespace sluicegate::admin
