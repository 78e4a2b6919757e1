#include "sluicegate/config/upstream.hpp"

namespace sluicegate::config {

std::string url_of(const Endpoint& endpoint) {
    if (!endpoint.unix_socket.empty()) {
        return "http://unix:" + endpoint.unix_socket + ':' + endpoint.path_prefix;
    }
    const bool is_v6 = endpoint.host.find(':') != std::string::npos;
    return (endpoint.tls ? "https://" : "http://") +
           (is_v6 ? "[" + endpoint.host + "]" : endpoint.host) + ':' +
           std::to_string(endpoint.port) + endpoint.path_prefix;
}

}  // namespace sluicegate::config
