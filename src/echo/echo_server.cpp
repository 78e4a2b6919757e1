#include "sluicegate/echo/echo_server.hpp"

#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/http/request_head.hpp"
#include "sluicegate/net/byte_buffer.hpp"
#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/stream.hpp"
#include "sluicegate/openai/echo_answer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace sluicegate::echo {
namespace {

namespace asio = net::asio;

constexpr std::size_t read_bytes = 4 * 1024;
/// How long a delay may continue after its client has left.
constexpr Milliseconds pause_step{100};

/// The only client is the forward stage of this process. So requests have a length and come one
/// after another; any other request ends the connection.
class Server {
public:
    Server(asio::io_context& context, net::Socket socket, const config::EchoSettings& settings,
           const Clock& clock)
        : context_(context),
          stream_(std::move(socket), nullptr),
          settings_(settings),
          clock_(clock) {}

    static net::Task<void> serve(std::unique_ptr<Server> server) {
        for (;;) {
            const bool received = co_await server->receive();
            if (!received) co_return;
            const bool is_awaited = co_await server->pause();
            if (!is_awaited) co_return;
            const bool is_answered = co_await server->answer();
            if (!is_answered) co_return;
        }
    }

private:
    net::Task<bool> read_until(std::size_t size) {
        while (in_.size() < size) {
            const auto room = in_.make_room(std::max(size - in_.size(), read_bytes));
            auto [error, got] = co_await stream_.read_some(asio::buffer(room.data(), room.size()));
            if (error) co_return false;
            in_.commit(got);
        }
        co_return true;
    }

    net::Task<bool> receive() {
        const http::HeadLimits limits;
        for (;;) {
            auto end = http::find_request_head_end(in_.unread(), 0, limits);
            if (!end) co_return false;
            if (*end > 0) {
                head_bytes_ = *end;
                break;
            }
            const bool is_more = co_await read_until(in_.size() + 1);
            if (!is_more) co_return false;
        }
        const std::string head(in_.unread().substr(0, head_bytes_));
        auto parsed = http::parse_request_head(head, limits, head_);
        if (!parsed || head_.framing == http::Framing::chunked) co_return false;
        path_ = head_.path;
        body_bytes_ = static_cast<std::size_t>(head_.content_length);
        co_return co_await read_until(head_bytes_ + body_bytes_);
    }

    /// False if the client has left meanwhile: it sends nothing before the answer, so any arrival
    /// is its end. Without this check a drain would wait for delays of clients that have left.
    net::Task<bool> pause() {
        net::Timer timer(context_.get_executor());
        Milliseconds left = settings_.delay;
        while (left > Milliseconds(0)) {
            const Milliseconds step = std::min(left, pause_step);
            timer.expires_after(step);
            co_await timer.async_wait(net::use_result);
            if (!stream_.is_quiet()) co_return false;
            left -= step;
        }
        co_return true;
    }

    net::Task<bool> answer() {
        const auto created =
            std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now().time_since_epoch());
        const openai::EchoAnswer answer =
            openai::echo_answer(path_, in_.unread().substr(head_bytes_, body_bytes_),
                                settings_.tokens, created.count());
        in_.consume(head_bytes_ + body_bytes_);
        in_.shrink();

        out_.clear();
        http::append_status_line(out_, answer.status);
        http::append_field(out_, "content-type", answer.content_type);
        if (answer.is_stream) {
            http::append_field(out_, "transfer-encoding", "chunked");
            http::append_head_end(out_);
            co_return co_await write_events(answer);
        }
        http::append_field(out_, "content-length", static_cast<std::int64_t>(answer.body.size()));
        http::append_head_end(out_);
        out_ += answer.body;
        co_return co_await flush();
    }

    /// One write per event, so a client gets several pieces, as from a real model.
    net::Task<bool> write_events(const openai::EchoAnswer& answer) {
        for (const std::string& event : answer.events) {
            http::append_chunk_size(out_, event.size());
            out_ += event;
            out_ += "\r\n";
            const bool is_written = co_await flush();
            if (!is_written) co_return false;
        }
        out_ += "0\r\n\r\n";
        co_return co_await flush();
    }

    net::Task<bool> flush() {
        const std::array buffers{asio::const_buffer(out_.data(), out_.size())};
        auto [error, size] = co_await stream_.write(buffers);
        out_.clear();
        co_return !error;
    }

    asio::io_context& context_;
    net::Stream stream_;
    const config::EchoSettings settings_;
    const Clock& clock_;
    net::ByteBuffer in_{read_bytes};
    http::RequestHead head_;
    std::size_t head_bytes_ = 0;
    std::size_t body_bytes_ = 0;
    std::string path_;
    std::string out_;
};

}  // namespace

Result<net::Socket> dial(asio::io_context& context, const config::EchoSettings& settings,
                         const Clock& clock) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail(ErrorKind::overloaded,
                    std::string("echo: cannot make a socket pair: ") + std::strerror(errno));
    }
    const asio::generic::stream_protocol protocol(AF_UNIX, 0);
    net::Socket ours(context.get_executor(), protocol, ends[0]);
    net::Socket theirs(context.get_executor(), protocol, ends[1]);
    auto server = std::make_unique<Server>(context, std::move(theirs), settings, clock);
    net::spawn(context, Server::serve(std::move(server)), "echo upstream");
    return ours;
}

}  // namespace sluicegate::echo
