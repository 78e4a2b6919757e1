#include "support/tunnel.hpp"

#include "support/fake_upstream.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

namespace sluicegate::support {
namespace {

TEST(ConnectProxy, TunnelsToThePortThatIsNamed) {
    FakeUpstream upstream;
    const ConnectProxy proxy;
    TestClient client(proxy.port());
    client.send("CONNECT far.test:" + std::to_string(upstream.port()) +
                " HTTP/1.1\r\nHost: far.test\r\nProxy-Authorization: Basic eA==\r\n\r\n");
    EXPECT_TRUE(client.read_raw_until("\r\n\r\n"));
    client.send(request("POST", "/v1/a", "", "{}"));
    EXPECT_TRUE(client.read_raw_until("hello"));
    ASSERT_EQ(proxy.requests().size(), 1U);
    EXPECT_EQ(proxy.requests()[0].value("proxy-authorization"), "Basic eA==");
    ASSERT_EQ(upstream.requests().size(), 1U);
    EXPECT_EQ(upstream.requests()[0].target(), "/v1/a");
}

TEST(ConnectProxy, RefusesInTheWordsOfTheTest) {
    ConnectProxy proxy;
    proxy.refuse_with("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    TestClient client(proxy.port());
    client.send("CONNECT far.test:1 HTTP/1.1\r\nHost: far.test\r\n\r\n");
    EXPECT_EQ(client.read_response("CONNECT").status, 407);
    EXPECT_EQ(proxy.url("u:p"), "http://u:p@127.0.0.1:" + std::to_string(proxy.port()));
}

TEST(UnixDoor, LeadsToThePort) {
    const TemporaryFolder folder;
    const std::string path = folder.file("door.sock");
    FakeUpstream upstream;
    const UnixDoor door(path, upstream.port());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(descriptor, static_cast<const sockaddr*>(static_cast<void*>(&address)),
                        sizeof address),
              0);
    Wire wire(descriptor);
    wire.write_all(request("POST", "/v1/a", "", "{}"));
    EXPECT_TRUE(wire.read_some().bytes.starts_with("HTTP/1.1 200"));
    EXPECT_EQ(door.connections(), 1U);
    EXPECT_EQ(upstream.requests().size(), 1U);
}

}  // namespace
}  // namespace sluicegate::support
