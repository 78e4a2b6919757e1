#include "net/certificates.hpp"
#include "net/raw_listener.hpp"
#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using test::RawListener;
using test::RawPeer;
using test::Rig;
using test::RunningTask;

const std::string established = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A pool whose upstream is reached through a proxy, which is the test itself.
class ProxyTest : public testing::Test {
protected:
    ProxyTest() {
        rig.settings.endpoints.front().host = "api.test";
        rig.settings.endpoints.front().port = 8080;
        rig.settings.proxy = {.host = "127.0.0.1", .port = listener.port()};
        name = "provider: proxy 127.0.0.1:" + std::to_string(listener.port()) + ": ";
    }
    std::shared_ptr<Pool> make_pool(net::TlsContext tls = nullptr) {
        return std::make_shared<Pool>(rig.services(), rig.settings, 0, std::move(tls), nullptr);
    }
    /// The proxy's end of the next connection.
    RawPeer accept() {
        std::optional<RawPeer> peer;
        EXPECT_TRUE(test::run_until(rig.context, [&] {
            auto accepted = listener.accept();
            if (accepted) peer.emplace(std::move(*accepted));
            return peer.has_value();
        }));
        return std::move(*peer);
    }
    std::string read(RawPeer& peer) {
        std::string text;
        EXPECT_TRUE(test::run_until(rig.context, [&] {
            text += peer.received();
            return text.ends_with("\r\n\r\n");
        }));
        return text;
    }

    Rig rig;
    RawListener listener{"127.0.0.1"};
    std::string name;
};

TEST_F(ProxyTest, LeadsPlainRequestsThroughATunnel) {
    Exchange exchange(make_pool(), rig.clock.now());
    RunningTask<Result<std::string>> task(rig.context, test::fetch(exchange, true));
    RawPeer peer = accept();
    EXPECT_EQ(read(peer), "CONNECT api.test:8080 HTTP/1.1\r\nhost: api.test:8080\r\n\r\n");
    EXPECT_FALSE(task.is_done());
    peer.send(established);
    EXPECT_EQ(read(peer), "POST / HTTP/1.1\r\nhost: x\r\n\r\n");
    peer.send(test::short_answer);
    const auto body = task.take();
    ASSERT_TRUE(body);
    EXPECT_EQ(*body, "ok");
    EXPECT_EQ(rig.connects("plain"), 1);
}

TEST_F(ProxyTest, GetsItsCredentialAndAnAddressInBrackets) {
    rig.settings.proxy->authorization = Secret("dXNlcjpwYXNz");
    rig.settings.endpoints.front().host = "2001:db8::1";
    Exchange exchange(make_pool(), rig.clock.now());
    RunningTask<Result<void>> task(rig.context, exchange.connect());
    RawPeer peer = accept();
    EXPECT_EQ(read(peer),
              "CONNECT [2001:db8::1]:8080 HTTP/1.1\r\nhost: [2001:db8::1]:8080\r\n"
              "proxy-authorization: Basic dXNlcjpwYXNz\r\n\r\n");
    peer.send(established);
    EXPECT_TRUE(task.take());
}

TEST_F(ProxyTest, ItsAnswerIsTakenOrTold) {
    struct Row {
        const char* name;
        std::string answer;
        const char* reason;  ///< "" when the tunnel is open
        bool has_credential = false;
        bool closes = false;
    };
    const std::string interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    std::string many_interims;
    for (int i = 0; i < 9; ++i) many_interims += interim;
    const std::vector<Row> rows{
        {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", ""},
        {"a length that means nothing", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", ""},
        {"an interim answer first", interim + established, ""},
        {"endless interim answers", many_interims, "answered 103"},
        {"403", "HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno", "answered 403"},
        {"502", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "answered 502"},
        {"a redirect", "HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n", "answered 302"},
        {"407", "HTTP/1.1 407 No\r\n\r\n", "wants a user and a password (407)"},
        {"407 with a credential", "HTTP/1.1 407 No\r\n\r\n", "refused its user or password (407)",
         true},
        {"bytes behind the answer", established + "hello", "sent more than its answer"},
        {"not HTTP", "SSH-2.0-x\r\n", "the first bytes are not HTTP/1"},
        {"a head without end", "HTTP/1.1 200 OK\r\nx: " + std::string(17'000, 'x'),
         "the head is too large"},
        {"nothing", "", "closed the connection", false, true},
        {"half a head", "HTTP/1.1 200 OK\r\n", "closed the connection", false, true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        rig.settings.proxy->authorization.reset();
        if (row.has_credential) rig.settings.proxy->authorization = Secret("dXNlcjpwYXNz");
        Exchange exchange(make_pool(), rig.clock.now());
        RunningTask<Result<void>> task(rig.context, exchange.connect());
        RawPeer peer = accept();
        static_cast<void>(read(peer));
        peer.send(row.answer);
        if (row.closes) peer.shutdown_send();
        const auto connected = task.take();
        EXPECT_EQ(connected ? "" : connected.error().detail,
                  *row.reason == '\0' ? "" : name + row.reason);
        if (!connected) {
            EXPECT_EQ(connected.error().kind, ErrorKind::upstream_unreachable);
            EXPECT_TRUE(peer.has_ended());
        }
    }
}

TEST_F(ProxyTest, OneThatCannotBeReachedIsNamed) {
    listener.close();
    Exchange exchange(make_pool(), rig.clock.now());
    const auto connected = test::run(rig.context, exchange.connect());
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, ErrorKind::upstream_unreachable);
    EXPECT_EQ(connected.error().detail, name + "connecting to 127.0.0.1: Connection refused");
}

TEST_F(ProxyTest, SilenceMeetsTheConnectDeadlineOrACancel) {
    for (const bool is_cancelled : {false, true}) {
        SCOPED_TRACE(is_cancelled);
        Exchange exchange(make_pool(), rig.clock.now());
        RunningTask<Result<void>> task(rig.context, exchange.connect());
        RawPeer peer = accept();
        static_cast<void>(read(peer));
        if (is_cancelled) {
            exchange.cancel(ErrorKind::client_gone);
        } else {
            rig.pass(rig.settings.timeouts.connect - 1ms);
            EXPECT_FALSE(task.is_done());
            rig.pass(1ms + net::Deadlines::tick_length);
        }
        const auto connected = task.take();
        ASSERT_FALSE(connected);
        EXPECT_EQ(connected.error().kind,
                  is_cancelled ? ErrorKind::client_gone : ErrorKind::upstream_connect_timeout);
        EXPECT_TRUE(peer.has_ended());
    }
}

/// Takes the rest of a connection as a TLS server until its handshake is over.
net::Task<std::string> take_handshake(net::Stream& stream) {
    auto [refused] = co_await stream.accept_tls();
    co_return refused.message();
}

TEST_F(ProxyTest, TlsInsideTheTunnelIsWithTheUpstream) {
    const support::TemporaryFolder folder;
    test::Authority authority(folder, "authority");
    const auto client_tls = net::make_client_tls(
        {.ca_file = authority.file(), .client_certificate_file = {}, .client_key_file = {}});
    ASSERT_TRUE(client_tls);
    rig.settings.endpoints.front().tls = true;
    const char* const mismatch = "provider: TLS with api.test: hostname mismatch";
    struct Row {
        const char* certificate_name;
        const char* common_name;
        const char* reason;
    };
    for (const Row& row : {Row{"DNS:api.test", "", ""}, Row{"DNS:proxy.test", "", mismatch},
                           Row{"IP:127.0.0.1", "", mismatch}, Row{"", "api.test", mismatch}}) {
        SCOPED_TRACE(row.certificate_name);
        const auto files = authority.issue(
            "server", {.names = row.certificate_name, .common_name = row.common_name});
        const auto server_tls = net::make_server_tls(
            {.certificate_file = files.certificate, .private_key_file = files.key});
        ASSERT_TRUE(server_tls);
        Exchange exchange(make_pool(*client_tls), rig.clock.now());
        RunningTask<Result<void>> task(rig.context, exchange.connect());
        RawPeer peer = accept();
        static_cast<void>(read(peer));
        peer.send(established);
        const net::asio::generic::stream_protocol protocol(AF_INET, IPPROTO_TCP);
        net::Stream server(
            net::Socket(rig.context.get_executor(), protocol, ::dup(peer.descriptor())),
            server_tls->get());
        RunningTask<std::string> handshake(rig.context, take_handshake(server));
        const auto connected = task.take();
        EXPECT_EQ(connected ? "" : connected.error().detail, row.reason);
        server.close();
        peer.close();
        static_cast<void>(handshake.take());
    }
    EXPECT_EQ(rig.connects("tls"), 1);
}

}  // namespace
}  // namespace sluicegate::upstream
