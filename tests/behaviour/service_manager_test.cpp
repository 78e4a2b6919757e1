// What systemd is told over $NOTIFY_SOCKET, and the first line of the log.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluicegate::support {
namespace {

/// A socket such as systemd's.
class NotifySocket {
public:
    explicit NotifySocket(const std::string& name) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name.data(), name.size());
        if (name.front() == '@') address.sun_path[0] = '\0';
        const auto size = offsetof(sockaddr_un, sun_path) + name.size();
        EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address),
                         static_cast<socklen_t>(size)),
                  0);
    }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;
    ~NotifySocket() { ::close(descriptor_); }

    /// The first line of the next message; "" when none has come in time.
    [[nodiscard]] std::string next() const {
        pollfd polled{.fd = descriptor_, .events = POLLIN, .revents = 0};
        if (::poll(&polled, 1, 10'000) != 1) return "";
        std::array<char, 4096> text{};
        const ssize_t size = ::recv(descriptor_, text.data(), text.size(), 0);
        const std::string all(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        return all.substr(0, all.find('\n'));
    }

private:
    int descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

TEST(ServiceManager, IsToldOfTheStartEachReloadAndTheEnd) {
    const TemporaryFolder folder;
    for (const std::string& name :
         {(folder.path() / "notify").string(), "@sluicegate-test-" + std::to_string(::getpid())}) {
        SCOPED_TRACE(name);
        const NotifySocket socket(name);
        const FakeUpstream upstream;
        const ConfigText config(upstream.base_url());
        DaemonOptions options;
        options.environment = {{"NOTIFY_SOCKET", name}};
        Gateway gateway(config, options);
        EXPECT_EQ(socket.next(), "READY=1");
        gateway.daemon().reload(config.text());
        EXPECT_EQ(socket.next(), "RELOADING=1");
        EXPECT_EQ(socket.next(), "READY=1");
        EXPECT_EQ(gateway.daemon().reload("users: [").value("event", ""), "reload_failed");
        EXPECT_EQ(socket.next(), "RELOADING=1");
        EXPECT_EQ(socket.next(), "READY=1") << "the old configuration serves on";
        gateway.daemon().signal(SIGTERM);
        EXPECT_EQ(socket.next(), "STOPPING=1");
        EXPECT_EQ(gateway.daemon().wait_for_exit(), 0);
    }
}

TEST(ServiceManager, ThatDoesNotListenHoldsNothingUp) {
    for (const char* const name : {"/nowhere/at/all", "@", "relative", ""}) {
        SCOPED_TRACE(name);
        const FakeUpstream upstream;
        DaemonOptions options;
        options.environment = {{"NOTIFY_SOCKET", name}};
        const Gateway gateway(ConfigText(upstream.base_url()), options);
        EXPECT_EQ(gateway.chat(alice_key, "m").status, 200);
    }
}

TEST(ServiceManager, TheFirstLineOfTheLogHasThePid) {
    const FakeUpstream upstream;
    Gateway gateway{ConfigText(upstream.base_url())};
    const auto first = gateway.daemon().wait_for_log([](const nlohmann::json&) { return true; });
    ASSERT_TRUE(first);
    EXPECT_EQ(first->value("event", ""), "starting");
    EXPECT_EQ(first->value("pid", 0), gateway.daemon().pid());
}

}  // namespace
}  // namespace sluicegate::support
