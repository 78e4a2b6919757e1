// The ways to an upstream: the age of connections, connections made ahead, Unix sockets, proxies.
#include "behaviour/routes.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"
#include "support/tunnel.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

std::string up_model() {
    return "  m: {route: [{upstream: up}]}\n";
}

ConfigText one_worker(const std::string& upstream) {
    ConfigText text = routes_config(upstream, up_model());
    text.threads = "1";
    return text;
}

TEST(UpstreamPoolAge, AnOldConnectionTakesNoFurtherRequest) {
    FakeUpstream upstream;
    sign(upstream, "it");
    const Gateway gateway(
        one_worker(upstream_line("up", upstream.base_url(), "pool: {max_age: 1s}")));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([&] {
        expect_answer_of(gateway.chat(alice_key, "m"), "it");
        return upstream.connections()[0].peer_closed;
    }));
    EXPECT_GE(upstream.connections()[0].closed - start, milliseconds(900));
    expect_answer_of(gateway.chat(alice_key, "m"), "it");
    EXPECT_GT(upstream.requests().back().connection, 0);
}

TEST(UpstreamPoolAge, EndsNoAnswerThatIsUnderWay) {
    FakeUpstream upstream;
    Script script;
    script.send(sse_head());
    for (int i = 0; i < 10; ++i) script.send(chunk(chat_event("x"))).pause(milliseconds(100));
    upstream.answer(script.send(chunk(done_event) + chunk("")));
    const Gateway gateway(
        one_worker(upstream_line("up", upstream.base_url(), "pool: {max_age: 300ms}")));
    expect_success(gateway.stream(alice_key, "m"));
}

TEST(UpstreamEndpoints, WithAndWithoutTlsServeSideBySide) {
    const CertificateAuthority authority;
    FakeUpstream secure(server_context(authority.issue()));
    FakeUpstream plain;
    sign(secure, "secure");
    sign(plain, "plain");
    DaemonOptions files;
    files.files = {{"ca.pem", authority.certificate()}};
    const Gateway gateway(
        routes_config(
            endpoints_line("pair", {secure.base_url(), plain.base_url()}, "tls: {ca_file: ca.pem}"),
            "  m: {route: [{upstream: pair}]}\n"),
        files);
    for (int i = 0; i < 40; ++i) {
        const Response response = gateway.chat(alice_key, "m");
        expect_success(response);
        EXPECT_EQ(response.field("x-sluicegate-attempts"), "1");
    }
    EXPECT_GT(secure.requests().size(), 0U);
    EXPECT_GT(plain.requests().size(), 0U);
}

TEST(UpstreamPoolPrewarm, ConnectionsAreThereBeforeTheFirstRequest) {
    const CertificateAuthority authority;
    FakeUpstream upstream(server_context(authority.issue()));
    sign(upstream, "it");
    DaemonOptions files;
    files.files = {{"ca.pem", authority.certificate()}};
    const Gateway gateway(one_worker(upstream_line("up", upstream.base_url(),
                                                   "tls: {ca_file: ca.pem}, pool: {prewarm: 3}")),
                          files);
    ASSERT_TRUE(upstream.wait_for_connections(3));
    ASSERT_TRUE(upstream.wait_for(
        2, [](const ConnectionRecord& record) { return record.is_tls_established; }));
    EXPECT_EQ(count(upstream), 0U) << "no request was needed";
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_upstream_connections", {R"(state="idle")"}) == 3;
    }));
    for (int i = 0; i < 5; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "it");
    EXPECT_EQ(upstream.connections().size(), 3U);
}

TEST(UpstreamPoolPrewarm, AnUpstreamThatIsDownDelaysNothing) {
    FakeUpstream upstream;
    upstream.refuse_connections();
    FakeUpstream second;
    sign(second, "second");
    ConfigText text = one_worker(upstream_line("up", upstream.base_url(), "pool: {prewarm: 2}") +
                                 upstream_line("second", second.base_url()));
    text.models = "  m: {route: [{upstream: up}], fallback: [{upstream: second}]}\n";
    const Gateway gateway(text);
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
}

TEST(UpstreamKeepAlive, TheTimeThatTheServerTellsIsKept) {
    FakeUpstream upstream;
    sign(upstream, "it", milliseconds(0), "Keep-Alive: timeout=2\r\n");
    const Gateway gateway(one_worker(upstream_line("up", upstream.base_url())));
    expect_answer_of(gateway.chat(alice_key, "m"), "it");
    expect_answer_of(gateway.chat(alice_key, "m"), "it");
    EXPECT_EQ(upstream.connections().size(), 1U);
    EXPECT_TRUE(upstream.wait_for_peer_close(0, Deadline(milliseconds(8000))))
        << "the gateway closes first";
}

TEST(UpstreamUnixSocket, LeadsToTheServer) {
    const TemporaryFolder folder;
    FakeUpstream upstream;
    sign(upstream, "it");
    const UnixDoor door(folder.file("llm.sock"), upstream.port());
    const Gateway gateway(
        one_worker(upstream_line("up", "http://unix:" + folder.file("llm.sock") + ":/v1")));
    for (int i = 0; i < 3; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "it");
    expect_answer_of(gateway.stream(alice_key, "m"), "it", true);
    EXPECT_EQ(door.connections(), 1U) << "it is kept like any other";
    const ReceivedRequest request = upstream.requests()[0];
    EXPECT_EQ(request.target(), "/v1/chat/completions");
    EXPECT_EQ(request.head.count("host"), 1U);
    EXPECT_EQ(request.head.value("host"), "localhost");
}

TEST(UpstreamUnixSocket, ThatIsMissingIsAFaultLikeAnyOther) {
    const TemporaryFolder folder;
    FakeUpstream second;
    sign(second, "second");
    ConfigText text =
        one_worker(upstream_line("up", "http://unix:" + folder.file("none.sock") + ":/v1") +
                   upstream_line("second", second.base_url()));
    text.models += "  both: {route: [{upstream: up}], fallback: [{upstream: second}]}\n";
    const Gateway gateway(text);
    expect_error(gateway.chat(alice_key, "m"),
                 {.status = 502, .type = "server_error", .code = "upstream_unreachable"});
    expect_answer_of(gateway.chat(alice_key, "both"), "second");
}

TEST(UpstreamUnixSocket, MayBeOneOfSeveralEndpoints) {
    const TemporaryFolder folder;
    FakeUpstream one;
    FakeUpstream two;
    sign(one, "it");
    sign(two, "it");
    const UnixDoor door(folder.file("llm.sock"), one.port());
    const Gateway gateway(one_worker(
        endpoints_line("up", {"http://unix:" + folder.file("llm.sock") + ":/v1", two.base_url()})));
    EXPECT_TRUE(eventually([&] {
        expect_answer_of(gateway.chat(alice_key, "m"), "it");
        return count(one) > 0 && count(two) > 0;
    }));
}

class UpstreamProxy : public testing::Test {
protected:
    UpstreamProxy() { sign(upstream_, "it"); }
    static std::string via(const ConnectProxy& proxy, const std::string& user_info = {}) {
        return "proxy: \"" + proxy.url(user_info) + "\"";
    }

    FakeUpstream upstream_;
    ConnectProxy proxy_;
};

TEST_F(UpstreamProxy, TunnelsPlainRequests) {
    const Gateway gateway(
        one_worker(upstream_line("up", upstream_.base_url("upstream.test"), via(proxy_))));
    for (int i = 0; i < 3; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "it");
    expect_answer_of(gateway.stream(alice_key, "m"), "it", true);
    const auto tunnels = proxy_.requests();
    ASSERT_EQ(tunnels.size(), 1U) << "the tunnel is kept";
    const std::string authority = "upstream.test:" + std::to_string(upstream_.port());
    EXPECT_EQ(tunnels[0].start_line, "CONNECT " + authority + " HTTP/1.1")
        << "the proxy resolves the name";
    EXPECT_EQ(tunnels[0].value("host"), authority);
    EXPECT_FALSE(tunnels[0].has("authorization"));
    EXPECT_FALSE(tunnels[0].has("proxy-authorization"));
    EXPECT_EQ(upstream_.requests()[0].head.value("host"), authority);
    EXPECT_FALSE(upstream_.requests()[0].head.has("proxy-authorization"));
}

TEST_F(UpstreamProxy, TunnelsTlsWhichItCannotRead) {
    const CertificateAuthority authority;
    FakeUpstream upstream(server_context(authority.issue({.names = {"DNS:upstream.test"}})));
    sign(upstream, "it");
    DaemonOptions files;
    files.files = {{"ca.pem", authority.certificate()}};
    const Gateway gateway(
        one_worker(upstream_line("up", upstream.base_url("upstream.test"),
                                 "tls: {ca_file: ca.pem}, " + via(proxy_, "joe:s%40fe"))),
        files);
    expect_answer_of(gateway.chat(alice_key, "m"), "it");
    EXPECT_EQ(upstream.connections().at(0).server_name, "upstream.test");
    // Basic credentials of joe and s@fe.
    EXPECT_EQ(proxy_.requests().at(0).value("proxy-authorization"), "Basic am9lOnNAZmU=");
    EXPECT_FALSE(upstream.requests().at(0).head.has("proxy-authorization"));
}

TEST_F(UpstreamProxy, AnUntrustedServerBehindItGetsNothing) {
    const CertificateAuthority authority;
    const CertificateAuthority stranger("stranger");
    FakeUpstream upstream(server_context(stranger.issue({.names = {"DNS:upstream.test"}})));
    DaemonOptions files;
    files.files = {{"ca.pem", authority.certificate()}};
    const Gateway gateway(one_worker(upstream_line("up", upstream.base_url("upstream.test"),
                                                   "tls: {ca_file: ca.pem}, " + via(proxy_))),
                          files);
    expect_error(gateway.chat(alice_key, "m"),
                 {.status = 502, .type = "server_error", .code = "upstream_unreachable"});
    EXPECT_EQ(count(upstream), 0U);
}

TEST_F(UpstreamProxy, ItsFaultsLeadElsewhereAndAreNamedToTheOperatorOnly) {
    struct Row {
        std::string name, answer;
        bool is_silent = false;
    };
    const std::vector<Row> rows{
        {"407", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"},
        {"403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nSECRET"},
        {"502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"},
        {"garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
        {"half a head", "HTTP/1.1 200 Conn"},
        {"an endless head", "HTTP/1.1 200 OK\r\nX: " + std::string(300'000, 'x')},
        {"silence", "", true},
    };
    FakeUpstream second;
    sign(second, "second");
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        ConnectProxy proxy;
        proxy.refuse_with(row.answer);
        if (row.is_silent) proxy.stay_silent();
        ConfigText text = one_worker(
            upstream_line("up", upstream_.base_url(),
                          "timeouts: {connect: 500ms}, " + via(proxy, "joe:proxy-secret")) +
            upstream_line("second", second.base_url()));
        text.models += "  both: {route: [{upstream: up}], fallback: [{upstream: second}]}\n";
        Gateway gateway(text);
        const Response response = gateway.chat(alice_key, "m");
        EXPECT_EQ(response.status, row.is_silent ? 504 : 502) << response.body;
        EXPECT_EQ(response.body.find("SECRET"), std::string::npos);
        EXPECT_EQ(response.body.find(std::to_string(proxy.port())), std::string::npos);
        const Response over = gateway.chat(alice_key, "both");
        expect_answer_of(over, "second");
        const auto line = gateway.daemon().wait_for_event("request_failed");
        ASSERT_TRUE(line);
        EXPECT_NE(line->dump().find("proxy"), std::string::npos) << *line;
        EXPECT_EQ(gateway.daemon().log().find("proxy-secret"), std::string::npos);
    }
    EXPECT_EQ(count(upstream_), 0U) << "there is no way around the proxy";
}

TEST_F(UpstreamProxy, OneThatIsNotThereIsNoWayAroundItEither) {
    std::string gone;
    {
        const ConnectProxy closed;
        gone = closed.url();
    }
    const Gateway gateway(
        one_worker(upstream_line("up", upstream_.base_url(), "proxy: \"" + gone + "\"")));
    expect_error(gateway.chat(alice_key, "m"),
                 {.status = 502, .type = "server_error", .code = "upstream_unreachable"});
    EXPECT_EQ(count(upstream_), 0U);
}

TEST_F(UpstreamProxy, AClientThatLeavesEndsTheTunnel) {
    Signal never;
    upstream_.answer(Script().wait(never));
    const Gateway gateway(
        one_worker(upstream_line("up", upstream_.base_url("upstream.test"), via(proxy_))));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m", true));
    ASSERT_TRUE(upstream_.wait_for_requests(1));
    client.wire().reset();
    EXPECT_TRUE(upstream_.wait_for_peer_close(0, Deadline(milliseconds(3000))));
}

TEST(UpstreamTlsChurn, ManyConnectionsLeakNothingAndResumeTheirSessions) {
    const CertificateAuthority authority;
    FakeUpstream upstream(server_context(authority.issue()));
    upstream.answer_with([](const ReceivedRequest& request) {
        return Script()
            .send(signed_answer("it", asks_for_stream(request), 1, 1, "Connection: close\r\n"))
            .close();
    });
    DaemonOptions files;
    files.files = {{"ca.pem", authority.certificate()}};
    Gateway gateway(one_worker(upstream_line("up", upstream.base_url(), "tls: {ca_file: ca.pem}")),
                    files);
    expect_answer_of(gateway.chat(alice_key, "m"), "it");
    const std::size_t descriptors = gateway.daemon().open_descriptors();
    run_load(gateway, {.clients = 4, .each = 50, .request = chat_request(alice_key, "m")},
             [](const Response& response) { expect_answer_of(response, "it"); });
    const auto connections = upstream.connections();
    EXPECT_EQ(connections.size(), 201U);
    std::size_t resumed = 0;
    for (const ConnectionRecord& connection : connections) {
        resumed += connection.is_session_resumed ? 1 : 0;
    }
    EXPECT_GE(resumed, 150U) << "of 200";
    EXPECT_TRUE(eventually([&] { return gateway.daemon().open_descriptors() <= descriptors + 2; }));
}

}  // namespace
}  // namespace sluicegate::support
