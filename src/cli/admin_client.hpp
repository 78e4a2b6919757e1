#pragma once
/// Asks the admin port of a running daemon.

#include "sluicegate/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::cli {

struct AdminPort {
    std::string host;  ///< a name or an address, without brackets
    std::uint16_t port = 0;
    bool has_tls = false;
    /// Its certificate must be valid for `host`. Without a key there may be nothing to protect.
    bool is_verified = true;
};

/// Of "http://127.0.0.1:9090" or "https://gateway.internal:9090/". Nothing for another text.
[[nodiscard]] std::optional<AdminPort> admin_port_of(std::string_view url);

struct AdminAnswer {
    unsigned status = 0;
    std::string body;
};
/// GET of `path`, with `key` unless it is empty. Errors: why there is no answer.
[[nodiscard]] Result<AdminAnswer> ask_admin(const AdminPort& port, std::string_view path,
                                            std::string_view key,
                                            std::chrono::milliseconds timeout);

}  // namespace sluicegate::cli
