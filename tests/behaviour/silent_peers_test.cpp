// Long silence: the kernel asks both peers of a request whether they still live.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

/// One line of /proc/net/tcp.
struct KernelSocket {
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
    bool is_established = false;
    bool has_keep_alive_timer = false;
    std::uint64_t timer_ends_in = 0;  ///< in hundredths of a second
};

std::uint16_t port_in(const std::string& address) {
    const std::string port = address.substr(address.find(':') + 1);
    return static_cast<std::uint16_t>(std::stoul(port, nullptr, 16));
}

std::vector<KernelSocket> kernel_sockets() {
    std::ifstream file("/proc/net/tcp");
    std::vector<KernelSocket> out;
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string number;
        std::string local;
        std::string remote;
        std::string state;
        std::string queues;
        std::string timer;
        words >> number >> local >> remote >> state >> queues >> timer;
        out.push_back({.local_port = port_in(local),
                       .remote_port = port_in(remote),
                       .is_established = state == "01",
                       .has_keep_alive_timer = timer.starts_with("02:"),
                       .timer_ends_in = std::stoull(timer.substr(3), nullptr, 16)});
    }
    return out;
}

/// All established sockets that `is_meant` have the timer, and there is one at least.
template <class Predicate>
bool are_kept_alive(Predicate is_meant) {
    bool has_any = false;
    for (const KernelSocket& socket : kernel_sockets()) {
        if (!socket.is_established || !is_meant(socket)) continue;
        has_any = true;
        const bool is_soon = socket.timer_ends_in <= 60 * 100;
        if (!socket.has_keep_alive_timer || !is_soon) return false;
    }
    return has_any;
}

TEST(SilentPeers, AreAskedOnBothSidesWhetherTheyLive) {
    FakeUpstream upstream;
    const Gateway gateway{ConfigText(upstream.base_url())};
    for (const bool is_streaming : {false, true}) {
        SCOPED_TRACE(is_streaming);
        const std::size_t before = upstream.requests().size();
        upstream.answer_next(is_streaming ? Script().send(sse_head()).stall() : Script().stall());
        TestClient client = gateway.connect();
        client.send(chat_request(alice_key, "m", is_streaming));
        ASSERT_TRUE(upstream.wait_for_requests(before + 1));
        // Until the request is acknowledged, another timer runs.
        EXPECT_TRUE(eventually([&] {
            return are_kept_alive([&](const KernelSocket& socket) {
                return socket.local_port == gateway.port() || socket.remote_port == upstream.port();
            });
        }));
    }
    // A connection that is kept for later is asked too.
    expect_success(gateway.chat(alice_key, "m"));
    EXPECT_TRUE(eventually([&] {
        return are_kept_alive(
            [&](const KernelSocket& socket) { return socket.remote_port == upstream.port(); });
    }));
}

}  // namespace
}  // namespace sluicegate::support
