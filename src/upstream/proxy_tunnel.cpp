#include "upstream/proxy_tunnel.hpp"

#include "sluicegate/http/response_head.hpp"
#include "sluicegate/net/byte_buffer.hpp"

#include <array>
#include <utility>

namespace sluicegate::upstream {
namespace {

constexpr http::HeadLimits tunnel_head_limits{.head_bytes_max = 16 * 1024};
constexpr std::size_t read_bytes = 1024;
constexpr int tunnel_interim_answers_max = 8;

Failure refused(std::string reason) {
    return fail(ErrorKind::upstream_unreachable, std::move(reason));
}

Secret connect_request(const config::Proxy& proxy, const config::Endpoint& target) {
    const bool is_v6 = target.host.find(':') != std::string::npos;
    const std::string authority =
        (is_v6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
    std::string text = "CONNECT " + authority + " HTTP/1.1\r\nhost: " + authority + "\r\n";
    if (proxy.authorization) {
        text += "proxy-authorization: Basic ";
        text += proxy.authorization->reveal();
        text += "\r\n";
    }
    text += "\r\n";
    return Secret(std::move(text));
}

Result<void> judge(unsigned status, const config::Proxy& proxy) {
    // A 2xx has no body, whatever its fields say.
    if (status >= 200 && status <= 299) return {};
    if (status == 407) {
        return refused(proxy.authorization ? "refused its user or password (407)"
                                           : "wants a user and a password (407)");
    }
    return refused("answered " + std::to_string(status));
}

}  // namespace

net::Task<Result<void>> open_tunnel(net::TimedStream& stream, const config::Proxy& proxy,
                                    const config::Endpoint& target, Instant deadline) {
    const Secret request = connect_request(proxy, target);
    const std::array text{
        net::asio::const_buffer(request.reveal().data(), request.reveal().size())};
    const net::WriteLimits write_limits{.deadline = deadline};
    const net::Transferred sent = co_await stream.write(text, write_limits);
    if (sent.ended != net::Ended::done) co_return refused(sent.error.message());

    net::ByteBuffer in(read_bytes);
    http::ResponseHead head;
    std::size_t searched = 0;
    int interim_answers = 0;
    do {
        auto end = http::find_response_head_end(in.unread(), searched, tunnel_head_limits);
        while (end && *end == 0) {
            searched = in.size();
            const auto room = in.make_room(read_bytes);
            const net::asio::mutable_buffer into(room.data(), room.size());
            const net::ReadLimits read_limits{.deadline = deadline};
            const net::Transferred read = co_await stream.read_some(into, read_limits);
            if (read.ended == net::Ended::closed) co_return refused("closed the connection");
            if (read.ended != net::Ended::done) co_return refused(read.error.message());
            in.commit(read.size);
            end = http::find_response_head_end(in.unread(), searched, tunnel_head_limits);
        }
        if (!end) co_return refused(std::move(end.error().detail));
        auto parsed = http::parse_response_head(in.unread().substr(0, *end), http::Method::head,
                                                tunnel_head_limits, head);
        if (!parsed) co_return refused(std::move(parsed.error().detail));
        in.consume(*end);
        searched = 0;
    } while (head.status < 200 && ++interim_answers <= tunnel_interim_answers_max);
    auto judged = judge(head.status, proxy);
    if (judged && !in.empty()) co_return refused("sent more than its answer");
    co_return judged;
}

}  // namespace sluicegate::upstream
