#pragma once
/// Connects to a Unix socket.

#include "sluicegate/base/result.hpp"
#include "sluicegate/net/types.hpp"

#include <optional>
#include <string>

namespace sluicegate::upstream {

/// Connecting to a Unix socket ends at once: it never goes on in the background as over TCP.
/// Nothing: the server's queue is full. Try again later, because no event tells when there is room.
/// Errors: upstream_unreachable, with the path.
[[nodiscard]] Result<std::optional<net::Socket>> open_unix_socket(net::asio::io_context& context,
                                                                  const std::string& path);

}  // namespace sluicegate::upstream
