// Who gets an answer of the admin port: strangers that hang on it, pages of other sites, keys, TLS.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view admin_key = "sk-admin-key-of-prometheus-00000000000000000000";

std::string asking(std::string_view path, std::string_view fields) {
    return "GET " + std::string(path) + " HTTP/1.1\r\n" + std::string(fields) + "\r\n";
}

Response ask(Gateway& gateway, std::string_view path, std::string_view fields) {
    TestClient client(gateway.daemon().port("admin"));
    client.send(asking(path, fields));
    return client.read_response("GET");
}

/// The configuration with `admin:` as given, two spaces deep.
std::string text_with_admin(const ConfigText& config, const std::string& admin) {
    std::string text = config.text();
    const std::string usual = "admin:\n  listen: 127.0.0.1:0\n";
    const std::size_t at = text.find(usual);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, usual.size(), "admin:\n" + admin);
}

std::string keys_line() {
    return "  keys:\n" + key_line("prometheus", admin_key);
}

TEST(AdminPort, AnswersWhileStrangersHangOnIt) {
    const FakeUpstream upstream;
    Gateway gateway{ConfigText(upstream.base_url())};
    Daemon& daemon = gateway.daemon();
    for (const char* sent : {"", "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"}) {
        SCOPED_TRACE(sent);
        std::vector<TestClient> strangers;
        for (int i = 0; i < 200; ++i) {
            strangers.emplace_back(daemon.port("admin"));
            strangers.back().send(sent);
        }
        for (const char* path : {"/livez", "/readyz", "/metrics", "/status"}) {
            EXPECT_EQ(gateway.admin(path).status, 200) << path;
        }
        EXPECT_NE(strangers.front().read_to_end(), ReadEnd::timeout);
        EXPECT_NE(strangers.back().read_to_end(Deadline(milliseconds(5000))), ReadEnd::timeout)
            << "a head has 2 s";
    }
}

TEST(AdminPort, RefusesForeignHostsAndPagesOfOtherSites) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.admin_lines = "  hosts: [Gateway.Internal]\n";
    Gateway gateway{config};
    struct Row {
        std::string fields;
        int status;
    };
    const std::vector<Row> rows{
        {"Host: 127.0.0.1:9090\r\n", 200},
        {"Host: [::1]:9090\r\n", 200},
        {"Host: LOCALHOST.\r\n", 200},
        {"Host: gateway.internal:9090\r\n", 200},
        {"Host: attacker.example\r\n", 403},
        {"Host: attacker.example:9090\r\nOrigin: http://attacker.example:9090\r\n", 403},
        {"Host: localhost\r\nOrigin: http://attacker.example\r\n", 403},
        {"Host: localhost\r\nOrigin: null\r\n", 403},
        {"Host: localhost\r\nOrigin: http://localhost\r\n", 200},
        {"Host: localhost\r\nSec-Fetch-Site: cross-site\r\n", 403},
        {"Host: localhost\r\nSec-Fetch-Site: same-site\r\n", 403},
        {"Host: localhost\r\nSec-Fetch-Site: none\r\n", 200},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.fields);
        for (const char* path : {"/status", "/status?user=alice", "/metrics"}) {
            const Response response = ask(gateway, path, row.fields);
            EXPECT_EQ(response.status, row.status) << path;
            if (row.status == 200) continue;
            EXPECT_EQ(response.body.find("alice"), std::string::npos);
            EXPECT_NE(response.body.find(": "), std::string::npos) << "it says what to do";
        }
        for (const char* path : {"/livez", "/readyz"}) {
            EXPECT_EQ(ask(gateway, path, row.fields).status, 200) << path;
        }
    }
}

TEST(AdminPort, OffLoopbackWithoutKeysOnlyProbesAndMetricsAnswer) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    for (const char* host : {"0.0.0.0", "127.0.0.1"}) {
        SCOPED_TRACE(host);
        Daemon daemon(text_with_admin(config, std::string("  listen: ") + host + ":0\n"));
        const auto status = [&](std::string_view path) {
            TestClient client(daemon.port("admin"));
            client.send(asking(path, "Host: 127.0.0.1\r\n"));
            return client.read_response("GET").status;
        };
        const bool is_outside = std::string_view(host) == "0.0.0.0";
        EXPECT_EQ(status("/livez"), 200);
        EXPECT_EQ(status("/readyz"), 200);
        EXPECT_EQ(status("/metrics"), 200);
        EXPECT_EQ(status("/status"), is_outside ? 403 : 200);
        EXPECT_EQ(status("/nothing"), is_outside ? 403 : 404);
    }
}

TEST(AdminPort, KeysOpenItAndAReloadReplacesThem) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.admin_lines = keys_line();
    Gateway gateway{config};
    const std::string host = "Host: localhost\r\n";
    const std::string right = host + bearer(admin_key);
    for (const char* path : {"/status", "/metrics"}) {
        SCOPED_TRACE(path);
        EXPECT_EQ(ask(gateway, path, right).status, 200);
        EXPECT_EQ(ask(gateway, path, host).status, 401);
        EXPECT_EQ(ask(gateway, path, host).field("www-authenticate"), "Bearer");
        EXPECT_EQ(ask(gateway, path, host + bearer(alice_key)).status, 401);
    }
    EXPECT_EQ(ask(gateway, "/livez", host).status, 200);
    EXPECT_EQ(ask(gateway, "/readyz", "Host: probe.example\r\n").status, 200);
    EXPECT_EQ(gateway.chat(admin_key, "m").status, 401) << "no user's key";

    config.admin_lines = "  keys:\n" + key_line("prometheus", "the-next-key-of-prometheus");
    const std::size_t before = gateway.daemon().log_size();
    EXPECT_EQ(gateway.daemon().reload(config.text())["event"], "reloaded");
    EXPECT_TRUE(gateway.daemon().wait_for_log(
        [](const nlohmann::json& line) {
            return line.value("message", "") == "admin.keys.prometheus.sha256 changed";
        },
        before));
    EXPECT_EQ(ask(gateway, "/status", right).status, 401);
    EXPECT_EQ(ask(gateway, "/status", host + bearer("the-next-key-of-prometheus")).status, 200);
    EXPECT_EQ(gateway.daemon().log().find(admin_key), std::string::npos);
}

TEST(AdminPort, AnswersOnlyGetAndHead) {
    const FakeUpstream upstream;
    Gateway gateway{ConfigText(upstream.base_url())};
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
        for (const char* path : {"/livez", "/status", "/metrics"}) {
            TestClient client(gateway.daemon().port("admin"));
            client.send(std::string(method) + " " + path +
                        " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
            const Response response = client.read_response(method);
            EXPECT_EQ(response.status, 405) << method << path;
            EXPECT_EQ(response.field("allow"), "GET, HEAD");
        }
    }
}

class AdminTls : public testing::Test {
protected:
    AdminTls() {
        config_.admin_lines = "  tls: {certificate: chain.pem, private_key: key.pem}\n";
        const Identity own = authority_.issue();
        options_ = files_of(own);
    }

    CertificateAuthority authority_;
    FakeUpstream upstream_;
    ConfigText config_{upstream_.base_url()};
    DaemonOptions options_;
};

TEST_F(AdminTls, AnswersOverTlsAlone) {
    Gateway gateway(config_, options_);
    const std::uint16_t port = gateway.daemon().port("admin");
    const SslContext context = client_context(authority_.certificate(), "localhost");
    for (const char* path : {"/livez", "/readyz", "/metrics", "/status"}) {
        TestClient client(port, context.get(), "localhost");
        client.send(asking(path, "Host: localhost\r\n"));
        const Response response = client.read_response("GET");
        EXPECT_EQ(response.status, 200) << path;
        EXPECT_TRUE(response.is_complete);
    }
    TestClient plain(port);
    plain.send(asking("/livez", "Host: localhost\r\n"));
    EXPECT_NE(plain.read_to_end(), ReadEnd::timeout);
}

TEST_F(AdminTls, AnswersWhileHandshakesHangOnIt) {
    Gateway gateway(config_, options_);
    const std::uint16_t port = gateway.daemon().port("admin");
    std::vector<TestClient> strangers;
    for (int i = 0; i < 200; ++i) strangers.emplace_back(port);
    const SslContext context = client_context(authority_.certificate(), "localhost");
    TestClient client(port, context.get(), "localhost");
    client.send(asking("/livez", "Host: localhost\r\n"));
    EXPECT_EQ(client.read_response("GET").status, 200);
}

TEST_F(AdminTls, AReloadTakesTheNewCertificate) {
    Gateway gateway(config_, options_);
    const CertificateAuthority next("the next authority");
    const Identity renewed = next.issue();
    gateway.daemon().write_beside_config("chain.pem", renewed.certificate);
    gateway.daemon().write_beside_config("key.pem", renewed.private_key);
    EXPECT_EQ(gateway.daemon().reload(config_.text())["event"], "reloaded");
    const SslContext context = client_context(next.certificate(), "localhost");
    TestClient client(gateway.daemon().port("admin"), context.get(), "localhost");
    client.send(asking("/livez", "Host: localhost\r\n"));
    EXPECT_EQ(client.read_response("GET").status, 200);

    config_.admin_lines.clear();
    EXPECT_EQ(gateway.daemon().reload(config_.text())["event"], "reload_failed")
        << "TLS can only go with a restart";
}

TEST_F(AdminTls, TheHealthcheckSpeaksIt) {
    for (const bool has_tls : {true, false}) {
        SCOPED_TRACE(has_tls);
        if (!has_tls) config_.admin_lines.clear();
        // The command takes the port from the file, so that it cannot be left to the system.
        const std::uint16_t port = ListeningSocket().port();
        std::string text = config_.text();
        const std::string usual = "admin:\n  listen: 127.0.0.1:0\n";
        text.replace(text.find(usual), usual.size(),
                     "admin:\n  listen: 127.0.0.1:" + std::to_string(port) + "\n");
        Daemon daemon(text, options_);
        EXPECT_EQ(run_binary({"healthcheck", "--config", daemon.config_file()}).status, 0);
        daemon.signal(SIGTERM);
        ASSERT_TRUE(daemon.wait_for_exit());
        const CommandResult dead = run_binary({"healthcheck", "--config", daemon.config_file()});
        EXPECT_EQ(dead.status, 1);
        EXPECT_NE(dead.output.find("not alive: "), std::string::npos) << dead.output;
    }
}

}  // namespace
}  // namespace sluicegate::support
