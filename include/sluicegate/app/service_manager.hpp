#pragma once
/// The service manager that started the daemon (systemd): what it hands over, and what it is told:
/// that the daemon is ready, reloads or stops.
///
/// It is one datagram to the socket that $NOTIFY_SOCKET names, so no library is needed for it: the
/// image stays small, and libsystemd would bring more code than it saves.
/// Errors   none: without the variable nothing is sent, and what cannot be sent is dropped.
/// Threads  any.
/// Source   sd_notify(3), sd_listen_fds(3)

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::app {

class ServiceManager {
public:
    /// Takes $NOTIFY_SOCKET and $LISTEN_FDS out of the environment. Before there are other
    /// threads that read it.
    [[nodiscard]] static ServiceManager from_environment();
    /// Null: nothing is told. A name that begins with "@" is abstract.
    explicit ServiceManager(std::optional<std::string> socket_name = std::nullopt)
        : socket_name_(std::move(socket_name)) {}

    /// Sockets that listen already, by their descriptors.
    [[nodiscard]] const std::vector<int>& descriptors() const noexcept { return descriptors_; }

    void is_ready(std::string_view status) const noexcept { tell("READY=1", status); }
    void is_reloading() const noexcept;
    void is_stopping(std::string_view status) const noexcept { tell("STOPPING=1", status); }

private:
    void tell(std::string_view state, std::string_view status) const noexcept;
    void send(const std::string& text) const noexcept;

    std::optional<std::string> socket_name_;
    std::vector<int> descriptors_;
};

}  // namespace sluicegate::app
