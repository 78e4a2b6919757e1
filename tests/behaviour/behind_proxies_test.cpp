// Who the client is behind proxies: forwarded fields and PROXY headers of trusted peers decide what
// keys by address, the throttle and the log see, and those of all others nothing.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

using namespace std::string_literals;

constexpr std::string_view office_key = "sk-sg-office-key-9999999999999999999999999999999";
constexpr std::string_view mistyped_key = "sk-sg-wrong-key-8888888888888888888888888888888";
const std::string trusts_loopback = "  trusted_proxies: [127.0.0.0/8, 10.0.0.0/8, 'fd00::/8']\n";
const std::string proxy_line = "PROXY TCP4 203.0.113.10 10.0.0.2 51234 443\r\n";
const std::string proxy_signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string proxy_block = proxy_signature + "\x21\x11\x00\x0c"s +
                                "\xcb\x00\x71\x0a\x0a\x00\x00\x02"s + "\x12\x34\x01\xbb"s;

class BehindProxies : public testing::Test {
protected:
    /// The office's key works from 203.0.113.0/24 and 2001:db8:9::/48 alone.
    ConfigText config(const std::string& server_lines) {
        ConfigText text(upstream_.base_url());
        text.server_lines = server_lines;
        text.users +=
            "  office:\n    keys:\n" +
            key_line("office", office_key, "allow_ips: [203.0.113.0/24, '2001:db8:9::/48']");
        return text;
    }
    ConfigText proxied(const std::string& server_lines = {}) {
        ConfigText text = config(server_lines);
        text.listen += "\n      proxy_protocol: true";
        text.timeouts = "{header: 1s, body: 2s, idle: 20s, drain: 1s}";
        return text;
    }
    static Response chat_with(const Gateway& gateway, const std::string& fields,
                              std::string_view key = office_key) {
        return gateway.send(post_json("/v1/chat/completions", key, chat_body("m"), fields));
    }
    /// The line of the access log of `response`.
    static nlohmann::json line_of(Gateway& gateway, const Response& response) {
        const std::string id = response.field("x-request-id");
        return gateway.daemon()
            .wait_for_log([&](const nlohmann::json& line) {
                return line.value("event", "") == "access" && line.value("request_id", "") == id;
            })
            .value_or(nlohmann::json());
    }

    FakeUpstream upstream_;
};

TEST_F(BehindProxies, ForwardedFieldsOfATrustedPeerDecide) {
    Gateway gateway(config(trusts_loopback));
    struct Row {
        std::string fields;
        int status;
        std::string client;
    };
    const std::vector<Row> rows{
        {"X-Forwarded-For: 203.0.113.10, 10.0.0.2\r\n", 200, "203.0.113.10"},
        {"X-Forwarded-For: 203.0.113.10\r\nX-Forwarded-For: 10.0.0.2\r\n", 200, "203.0.113.10"},
        {"X-Forwarded-For: 203.0.113.10:51234\r\n", 200, "203.0.113.10"},
        {"X-Forwarded-For: [2001:db8:9::1]:443, fd00::2\r\n", 200, "2001:db8:9::1"},
        {"Forwarded: for=\"[2001:db8:9::1]:4711\";proto=https, for=10.0.0.2\r\n", 200,
         "2001:db8:9::1"},
        {"Forwarded: for=198.51.100.1\r\nX-Forwarded-For: 203.0.113.10\r\n", 200, "203.0.113.10"},
        {"X-Forwarded-For: 203.0.113.10, 198.51.100.1\r\n", 403, "198.51.100.1"},
        {"X-Forwarded-For: 203.0.113.10, unknown\r\n", 403, "127.0.0.1"},
        {"X-Real-IP: 203.0.113.10\r\nCF-Connecting-IP: 203.0.113.10\r\n", 403, "127.0.0.1"},
        {"", 403, "127.0.0.1"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.fields);
        const Response response = chat_with(gateway, row.fields);
        EXPECT_EQ(response.status, row.status);
        const nlohmann::json line = line_of(gateway, response);
        EXPECT_EQ(line.value("client", ""), row.client);
        EXPECT_EQ(line.value("peer", "none"), row.client == "127.0.0.1" ? "none" : "127.0.0.1");
    }
    for (const auto& request : upstream_.requests()) {
        EXPECT_EQ(request.head.value("x-forwarded-for"), "");
        EXPECT_EQ(request.head.value("forwarded"), "");
    }
}

TEST_F(BehindProxies, EachRequestOfAConnectionHasItsOwnClient) {
    Gateway gateway(config(trusts_loopback));
    TestClient client = gateway.connect();
    for (const auto& [fields, status] :
         std::vector<std::pair<std::string, int>>{{"X-Forwarded-For: 203.0.113.10\r\n", 200},
                                                  {"X-Forwarded-For: 198.51.100.1\r\n", 403},
                                                  {"", 403},
                                                  {"X-Forwarded-For: 203.0.113.11\r\n", 200}}) {
        client.send(post_json("/v1/chat/completions", office_key, chat_body("m"), fields));
        const Response response = client.read_response();
        EXPECT_EQ(response.status, status) << fields;
    }
}

TEST_F(BehindProxies, FieldsOfAllOthersAreIgnored) {
    for (const std::string lines : {"", "  trusted_proxies: [10.0.0.0/8, '::1']\n"}) {
        Gateway gateway(config(lines));
        for (const std::string fields :
             {"X-Forwarded-For: 203.0.113.10\r\n", "X-Forwarded-For: 203.0.113.10, 127.0.0.1\r\n",
              "Forwarded: for=203.0.113.10\r\n"}) {
            const Response response = chat_with(gateway, fields);
            expect_error(response,
                         {.status = 403, .type = "permission_error", .code = "ip_not_allowed"});
            EXPECT_EQ(line_of(gateway, response).value("client", ""), "127.0.0.1");
        }
    }
}

TEST_F(BehindProxies, AReloadChangesWhoIsTrusted) {
    Gateway gateway(config(""));
    TestClient client = gateway.connect();
    const auto status = [&] {
        client.send(post_json("/v1/chat/completions", office_key, chat_body("m"),
                              "X-Forwarded-For: 203.0.113.10\r\n"));
        return client.read_response().status;
    };
    EXPECT_EQ(status(), 403);
    gateway.daemon().reload(config(trusts_loopback).text());
    EXPECT_NE(gateway.daemon().log().find("server.trusted_proxies none -> 127.0.0.0/8"),
              std::string::npos);
    EXPECT_EQ(status(), 200);
    gateway.daemon().reload(config("").text());
    EXPECT_EQ(status(), 403);
}

TEST_F(BehindProxies, TheThrottleCountsClientsAndNotTheirProxy) {
    Gateway gateway(config(trusts_loopback + "  auth_failures_per_minute: 2\n"));
    const auto status = [&](const std::string& client) {
        return chat_with(gateway, "X-Forwarded-For: " + client + "\r\n", mistyped_key).status;
    };
    for (int i = 0; i < 2; ++i) EXPECT_EQ(status("192.0.2.1"), 401);
    EXPECT_EQ(status("192.0.2.1"), 429);
    EXPECT_EQ(status("192.0.2.2"), 401);
    EXPECT_EQ(status("2001:db8:7::1"), 401);
}

TEST_F(BehindProxies, ATrustedProxyMayHaveAnyNumberOfConnections) {
    Gateway gateway(config(trusts_loopback + "  max_connections_per_address: 1\n"));
    const TestClient first = gateway.connect();
    const TestClient second = gateway.connect();
    expect_success(gateway.chat(alice_key, "m"));
}

// --- the PROXY protocol ---

TEST_F(BehindProxies, AProxyHeaderNamesTheClient) {
    struct Row {
        std::string name;
        std::string header;
        int status;
        std::string client;
    };
    const std::string extensions = "\xEA\x00\x04vpce"s;
    const std::vector<Row> rows{
        {"v1", proxy_line, 200, "203.0.113.10"},
        {"v1 IPv6", "PROXY TCP6 2001:db8:9::1 ::1 51234 443\r\n", 200, "2001:db8:9::1"},
        {"v1 of another", "PROXY TCP4 198.51.100.1 10.0.0.2 51234 443\r\n", 403, "198.51.100.1"},
        {"v1 UNKNOWN", "PROXY UNKNOWN\r\n", 403, "127.0.0.1"},
        {"v2", proxy_block, 200, "203.0.113.10"},
        {"v2 LOCAL", proxy_signature + "\x20\x00\x00\x00"s, 403, "127.0.0.1"},
        {"v2 with extensions",
         proxy_signature + "\x21\x11\x00\x13"s + proxy_block.substr(16) + extensions, 200,
         "203.0.113.10"},
        {"v2 of a Unix socket", proxy_signature + "\x21\x31\x00\xd8"s + std::string(216, 'u'), 403,
         "127.0.0.1"},
    };
    for (const std::string trust : {"", "  trusted_proxies: [127.0.0.1]\n"}) {
        Gateway gateway(proxied(trust));
        for (const Row& row : rows) {
            for (const std::size_t piece : {std::size_t{1}, std::size_t{5000}}) {
                SCOPED_TRACE(row.name + " in pieces of " + std::to_string(piece));
                TestClient client = gateway.connect();
                // The request follows in the same segment, or in the middle of the pieces.
                client.send_in_pieces(row.header + chat_request(office_key, "m"), piece);
                const Response response = client.read_response();
                EXPECT_EQ(response.status, row.status);
                // The next request of the connection comes from the same client.
                client.send(chat_request(office_key, "m"));
                EXPECT_EQ(client.read_response().status, row.status);
                // Many refusals of one address have one line together.
                if (row.status != 200) continue;
                EXPECT_EQ(line_of(gateway, response).value("client", ""), row.client);
            }
        }
    }
}

TEST_F(BehindProxies, AConnectionWithoutAValidHeaderGetsNoAnswer) {
    ConfigText text = proxied();
    text.log_level = "debug";
    Gateway gateway(text);
    const std::vector<std::string> beginnings{
        chat_request(alice_key, "m"),
        "PROXY TCP4 203.0.113.10 10.0.0.2 51234\r\n" + chat_request(alice_key, "m"),
        proxy_signature + "\x31\x11\x00\x0c"s + proxy_block.substr(16) +
            chat_request(alice_key, "m"),
        // A checksum that does not match.
        proxy_signature + "\x21\x11\x00\x13"s + proxy_block.substr(16) + "\x03\x00\x04"s + "abcd" +
            chat_request(alice_key, "m"),
        proxy_line + proxy_line + chat_request(alice_key, "m"),
    };
    for (const std::string& bytes : beginnings) {
        TestClient client = gateway.connect();
        client.send(bytes);
        const std::string answer = client.read_raw();
        EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 400 ")) << answer;
    }
    EXPECT_TRUE(upstream_.requests().empty());
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_client_handshake_failures_total",
                      {"reason=\"proxy_header\""}) == 4;
    }));
    EXPECT_TRUE(gateway.daemon().wait_for_log([](const nlohmann::json& line) {
        return line.value("event", "") == "handshake_failed" &&
               line.value("reason", "") == "proxy_header" && line.value("peer", "") == "127.0.0.1";
    }));
}

TEST_F(BehindProxies, TheHeaderHasTheTimeOfAHead) {
    Gateway gateway(proxied());
    for (const std::string& begun :
         {std::string(), proxy_line.substr(0, 20), proxy_block.substr(0, 20)}) {
        TestClient client = gateway.connect();
        client.send(begun);
        EXPECT_EQ(client.read_raw(), "");
    }
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_client_handshake_failures_total",
                      {"reason=\"timeout\""}) == 3;
    }));
}

TEST_F(BehindProxies, APeerThatIsNotTrustedIsRefusedWithAndWithoutAHeader) {
    Gateway gateway(proxied("  trusted_proxies: [10.0.0.0/8]\n"));
    for (const std::string& bytes : {proxy_line, proxy_block, std::string()}) {
        TestClient client = gateway.connect();
        client.send(bytes + chat_request(office_key, "m"));
        EXPECT_EQ(client.read_raw(), "");
    }
    EXPECT_EQ(metric(gateway, "sluicegate_client_connections_refused_total",
                     {"reason=\"untrusted_proxy\""}),
              3);
}

TEST_F(BehindProxies, OnOtherListenersAHeaderIsAMalformedRequest) {
    const Gateway gateway(config(trusts_loopback));
    expect_error(gateway.send(proxy_line + chat_request(office_key, "m")),
                 {.status = 400, .code = "bad_request"});
}

TEST_F(BehindProxies, TheBoundsOfAnAddressAreThoseOfTheNamedClient) {
    Gateway gateway(proxied("  trusted_proxies: [127.0.0.1]\n  max_connections_per_address: 1\n"));
    const std::string other = "PROXY TCP4 203.0.113.11 10.0.0.2 51234 443\r\n";
    TestClient first = gateway.connect();
    first.send(proxy_line + chat_request(office_key, "m"));
    expect_success(first.read_response());
    TestClient second = gateway.connect();
    second.send(proxy_line + chat_request(office_key, "m"));
    expect_error(second.read_response(),
                 {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
    TestClient third = gateway.connect();
    third.send(other + chat_request(office_key, "m"));
    expect_success(third.read_response());
}

TEST_F(BehindProxies, ForwardedFieldsCountBehindAProxyHeaderIfItsClientIsTrusted) {
    const Gateway gateway(proxied(trusts_loopback));
    const auto status = [&](const std::string& header) {
        TestClient client = gateway.connect();
        client.send(header + post_json("/v1/chat/completions", office_key, chat_body("m"),
                                       "X-Forwarded-For: 203.0.113.10\r\n"));
        return client.read_response().status;
    };
    EXPECT_EQ(status("PROXY TCP4 10.0.0.7 10.0.0.2 51234 443\r\n"), 200);
    EXPECT_EQ(status("PROXY TCP4 198.51.100.1 10.0.0.2 51234 443\r\n"), 403);
}

TEST_F(BehindProxies, ATlsHelloMayFollowInTheSameSegment) {
    const CertificateAuthority authority;
    ConfigText text = config("");
    text.listener_tls = std::string(tls_listener) + "      proxy_protocol: true\n";
    Gateway gateway(text, files_of(authority.issue()));
    const SslContext context = client_context(authority.certificate(), "localhost");
    for (const std::string& header : {proxy_line, proxy_block}) {
        Wire wire = Wire::connect(gateway.daemon().port("client_tls"));
        wire.write_all(header);
        ASSERT_TRUE(wire.start_tls_client(context.get(), "localhost"));
        wire.write_all(chat_request(office_key, "m"));
        std::string answer;
        while (answer.find("\r\n\r\n") == std::string::npos) {
            const ReadResult read = wire.read_some();
            ASSERT_EQ(read.end, ReadEnd::data);
            answer += read.bytes;
        }
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    }
    Wire without = Wire::connect(gateway.daemon().port("client_tls"));
    EXPECT_FALSE(without.start_tls_client(context.get(), "localhost"));
}

}  // namespace
}  // namespace sluicegate::support
