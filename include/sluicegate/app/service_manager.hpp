#pragma once
/// What the daemon tells the service manager that started it (systemd): that it is ready, reloads
/// or stops.
///
/// It is one datagram to the socket that $NOTIFY_SOCKET names, so no library is needed for it: the
/// image stays small, and libsystemd would bring more code than it saves.
/// Errors   none: without the variable nothing is sent, and what cannot be sent is dropped.
/// Threads  any.
/// Source   sd_notify(3)

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::app {

class ServiceManager {
public:
    /// Takes $NOTIFY_SOCKET out of the environment. Before there are other threads that read it.
    [[nodiscard]] static ServiceManager from_environment();
    /// Null: nothing is told. A name that begins with "@" is abstract.
    explicit ServiceManager(std::optional<std::string> socket_name = std::nullopt)
        : socket_name_(std::move(socket_name)) {}

    void is_ready(std::string_view status) const noexcept { tell("READY=1", status); }
    void is_reloading() const noexcept;
    void is_stopping(std::string_view status) const noexcept { tell("STOPPING=1", status); }

private:
    void tell(std::string_view state, std::string_view status) const noexcept;
    void send(const std::string& text) const noexcept;

    std::optional<std::string> socket_name_;
};

}  // namespace sluicegate::app
