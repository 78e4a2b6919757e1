#pragma once
/// What a reload would change, in sentences for an admin.

#include "sluicegate/config/config.hpp"
#include "sluicegate/config/problem.hpp"

#include <string>
#include <vector>

namespace sluicegate::config {

/// One sentence for each change, in the order of the file's sections: "users.alice.keys.laptop
/// removed", "models.gpt-4o.limits.rpm 60 -> 600", "upstreams.openai.api_key changed". Empty when
/// nothing that takes effect differs (certificate files may still hold something new).
/// Contents  names and plain values only; a secret or hash is "changed".
[[nodiscard]] std::vector<std::string> describe_changes(const Config& running, const Config& next);

/// Changes that a reload cannot make: the addresses of server.listen and whether each has TLS,
/// server.threads, server.max_connections, admin.listen, limiter.window, limiter.slots,
/// limiter.state_file. Not empty: refuse the reload as a whole. The problems carry a path and a
/// message, no file and no line.
[[nodiscard]] std::vector<Problem> restart_only_changes(const Config& running, const Config& next);

}  // namespace sluicegate::config
