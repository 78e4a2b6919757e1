#include "sluicegate/app/service_manager.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace sluicegate::app {
namespace {

/// The clock that systemd compares with: a READY is the end of this reload, not of one before it.
std::string monotonic_microseconds() {
    std::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1'000);
}

/// A number of the environment; nothing if it is none.
std::optional<int> number_in(const char* name) {
    const char* const text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    const std::string_view digits(text);
    int number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
    return number;
}

constexpr int first_descriptor = 3;
constexpr int descriptors_max = 256;

/// Those that were meant for this process, and not for its parent.
std::vector<int> handed_over() {
    std::vector<int> descriptors;
    const auto process = number_in("LISTEN_PID");
    const auto count = number_in("LISTEN_FDS");
    if (process == ::getpid() && count) {
        for (int i = 0; i < std::min(*count, descriptors_max); ++i) {
            descriptors.push_back(first_descriptor + i);
        }
    }
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    return descriptors;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
    const char* const name = std::getenv("NOTIFY_SOCKET");
    ServiceManager manager(name == nullptr ? std::nullopt : std::optional<std::string>(name));
    ::unsetenv("NOTIFY_SOCKET");
    manager.descriptors_ = handed_over();
    return manager;
}

void ServiceManager::is_reloading() const noexcept {
    if (!socket_name_) return;
    try {
        send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_microseconds());
    } catch (const std::exception&) {
        return;  // no memory to tell it
    }
}

void ServiceManager::tell(std::string_view state, std::string_view status) const noexcept {
    if (!socket_name_) return;
    try {
        std::string text(state);
        text += "\nSTATUS=";
        text += status;
        send(text);
    } catch (const std::exception&) {
        return;  // no memory to tell it
    }
}

void ServiceManager::send(const std::string& text) const noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& name = *socket_name_;
    if (name.empty() || name.size() >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const bool is_path = name.front() == '/';
    const auto size =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (is_path ? 1 : 0));
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return;
    // A manager that reads nothing may not hold the daemon up.
    static_cast<void>(::sendto(descriptor, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                               reinterpret_cast<const sockaddr*>(&address), size));
    ::close(descriptor);
}

}  // namespace sluicegate::app
