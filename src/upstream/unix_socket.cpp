#include "upstream/unix_socket.hpp"

#include "sluicegate/net/stream.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <cerrno>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>

namespace sluicegate::upstream {
namespace {

Failure unreachable(const std::string& path, const std::string& reason) {
    return fail(ErrorKind::upstream_unreachable, "connecting to " + path + ": " + reason);
}

}  // namespace

Result<std::optional<net::Socket>> open_unix_socket(net::asio::io_context& context,
                                                    const std::string& path) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        return unreachable(path, "the path is too long");
    }
    const net::asio::local::stream_protocol::endpoint address(path);
    std::optional<net::Socket> socket(context.get_executor());
    net::ErrorCode error;
    socket->open(net::asio::generic::stream_protocol(AF_UNIX, 0), error);
    if (!error) socket->native_non_blocking(true, error);
    if (net::is_shortage(error)) {
        return fail(ErrorKind::overloaded, "connecting to " + path + ": " + error.message());
    }
    if (error) return unreachable(path, error.message());
    const auto size = static_cast<socklen_t>(address.size());
    if (::connect(socket->native_handle(), address.data(), size) == 0) return socket;
    if (errno != EAGAIN) return unreachable(path, std::generic_category().message(errno));
    return std::optional<net::Socket>();
}

}  // namespace sluicegate::upstream
