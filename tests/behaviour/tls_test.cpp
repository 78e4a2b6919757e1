// TLS on both sides: to upstreams, where nothing is said before the peer is verified, and towards
// clients.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <string>
#include <sys/socket.h>
#include <vector>

namespace sluicegate::support {
namespace {

class UpstreamTls : public testing::Test {
protected:
    static DaemonOptions with_ca(const CertificateAuthority& authority) {
        DaemonOptions options;
        options.files = {{"ca.pem", authority.certificate()}};
        return options;
    }
    ConfigText config_for(const FakeUpstream& upstream, const std::string& tls,
                          const std::string& host = "127.0.0.1") {
        ConfigText config(upstream.base_url(host), "tls: {" + tls + "}");
        config.threads = "1";
        return config;
    }

    CertificateAuthority authority_;
};

TEST_F(UpstreamTls, AVerifiedUpstreamIsUsedAndItsSessionResumed) {
    FakeUpstream upstream(server_context(authority_.issue({.names = {"DNS:upstream.test"}})));
    const Gateway gateway(config_for(upstream, "ca_file: ca.pem, server_name: upstream.test"),
                          with_ca(authority_));
    upstream.answer(Script().send(chat_answer(1, 1, "Connection: close\r\n")));
    for (int i = 0; i < 3; ++i) expect_success(gateway.chat(alice_key, "m"));
    const auto connections = upstream.connections();
    ASSERT_EQ(connections.size(), 3U);
    EXPECT_EQ(connections[0].server_name, "upstream.test");
    EXPECT_FALSE(connections[0].is_session_resumed);
    EXPECT_TRUE(connections[2].is_session_resumed);
    EXPECT_EQ(upstream.requests().at(0).head.value("authorization"),
              "Bearer " + std::string(upstream_key));
}

TEST_F(UpstreamTls, AnAddressIsVerifiedAgainstAddressesInTheCertificate) {
    const FakeUpstream upstream(server_context(authority_.issue({.names = {"IP:127.0.0.1"}})));
    const Gateway gateway(config_for(upstream, "ca_file: ca.pem"), with_ca(authority_));
    expect_success(gateway.chat(alice_key, "m"));
    EXPECT_EQ(upstream.connections().at(0).server_name, "") << "an address is no server name";
}

TEST_F(UpstreamTls, ANameIsSentAndVerified) {
    const FakeUpstream upstream(server_context(authority_.issue({.names = {"DNS:localhost"}})));
    const Gateway gateway(config_for(upstream, "ca_file: ca.pem", "localhost"),
                          with_ca(authority_));
    expect_success(gateway.chat(alice_key, "m"));
    EXPECT_EQ(upstream.connections().at(0).server_name, "localhost");
}

TEST_F(UpstreamTls, AConnectionIsKept) {
    const FakeUpstream upstream(server_context(authority_.issue()));
    const Gateway gateway(config_for(upstream, "ca_file: ca.pem"), with_ca(authority_));
    for (int i = 0; i < 5; ++i) expect_success(gateway.chat(alice_key, "m"));
    EXPECT_EQ(upstream.connections().size(), 1U);
}

TEST_F(UpstreamTls, WhoCannotBeVerifiedGets502AndNeverTheKey) {
    const CertificateAuthority stranger("stranger");
    struct Row {
        std::string name;
        Identity identity;
        std::string tls;
        std::string host = "127.0.0.1";
    };
    const std::string ca = "ca_file: ca.pem";
    const std::vector<Row> rows{
        {"wrong name", authority_.issue({.names = {"DNS:other.test"}}), ca, "localhost"},
        {"wrong address", authority_.issue({.names = {"IP:127.0.0.2"}}), ca},
        {"name where an address is needed", authority_.issue({.names = {"DNS:127.0.0.1"}}), ca},
        {"wrong configured name", authority_.issue(), ca + ", server_name: elsewhere.test"},
        {"expired", authority_.issue({.valid_to = std::chrono::hours(-1)}), ca},
        {"not yet valid", authority_.issue({.valid_from = std::chrono::hours(1)}), ca},
        {"unknown CA", stranger.issue(), ca},
        {"CA that the system does not know", authority_.issue(), "ca_file: system"},
        {"a common name alone", authority_.issue({.names = {}, .common_name = "localhost"}), ca,
         "localhost"},
        {"an address as a common name", authority_.issue({.names = {}, .common_name = "127.0.0.1"}),
         ca},
        {"a common name that is the configured name",
         authority_.issue({.names = {}, .common_name = "upstream.test"}),
         ca + ", server_name: upstream.test"},
        {"client certificate", authority_.issue({.usage = "clientAuth"}), ca},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        FakeUpstream upstream(server_context(row.identity));
        Gateway gateway(config_for(upstream, row.tls, row.host), with_ca(authority_));
        for (const bool is_streaming : {false, true}) {
            const Response response = gateway.send(chat_request(alice_key, "m", is_streaming));
            expect_error(response, {.status = 502,
                                    .type = "server_error",
                                    .code = "upstream_unreachable",
                                    .message = "Could not reach the upstream provider."});
        }
        EXPECT_TRUE(upstream.requests().empty());
        const auto connections = upstream.connections();
        EXPECT_FALSE(connections.empty());
        for (const ConnectionRecord& connection : connections) EXPECT_EQ(connection.received, "");
        EXPECT_EQ(gateway.daemon().log().find(upstream_key), std::string::npos);
    }
}

TEST_F(UpstreamTls, APlainServerIsNoTlsServer) {
    const FakeUpstream upstream;
    const Gateway gateway(ConfigText("https://127.0.0.1:" + std::to_string(upstream.port()) + "/v1",
                                     "timeouts: {connect: 2s, first_byte: 2s}"));
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_TRUE(response.status == 502 || response.status == 504) << response.status;
    for (const ConnectionRecord& connection : upstream.connections()) {
        EXPECT_EQ(connection.received.find(upstream_key), std::string::npos);
    }
}

TEST_F(UpstreamTls, AClientCertificateIsPresentedWhereAsked) {
    const Identity own = authority_.issue({.usage = "clientAuth"});
    const FakeUpstream upstream(server_context(authority_.issue(), authority_.certificate()));
    DaemonOptions options = with_ca(authority_);
    options.files.emplace("own.pem", own.certificate);
    options.files.emplace("own.key", own.private_key);
    const Gateway with(config_for(upstream,
                                  "ca_file: ca.pem, client_certificate: own.pem, "
                                  "client_key: own.key"),
                       options);
    expect_success(with.chat(alice_key, "m"));
    const Gateway without(config_for(upstream, "ca_file: ca.pem"), with_ca(authority_));
    EXPECT_EQ(without.chat(alice_key, "m").status, 502);
    EXPECT_EQ(upstream.requests().size(), 1U);
}

TEST_F(UpstreamTls, AStreamCutUnderTlsIsACut) {
    FakeUpstream upstream(server_context(authority_.issue()));
    const Gateway gateway(config_for(upstream, "ca_file: ca.pem"), with_ca(authority_));
    const std::string close_delimited = response_head(200, "Content-Type: text/event-stream\r\n");
    for (const std::string& start :
         {sse_head() + chunk(chat_event("one")), close_delimited + chat_event("one")}) {
        upstream.answer(Script().send(start).cut());
        const Response response = gateway.send(chat_request(alice_key, "m", true));
        EXPECT_FALSE(response.status == 200 && response.is_complete);
        EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
        EXPECT_NE(response.body.find("upstream_closed"), std::string::npos);
    }
    // Without close_notify even a close-delimited JSON answer shows that it was truncated.
    upstream.answer(
        Script().send(response_head(200, "Content-Type: application/json\r\n") + "{\"a\":").cut());
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 502);
}

class TlsListener : public testing::Test {
protected:
    TlsListener() : gateway_(config(), files_of(authority_.issue())) {}
    ConfigText config() {
        ConfigText text(upstream_.base_url());
        text.timeouts = "{header: 2s, body: 2s, idle: 20s, drain: 1s}";
        text.listener_tls = tls_listener;
        return text;
    }
    [[nodiscard]] std::uint16_t tls_port() { return gateway_.daemon().port("client_tls"); }

    CertificateAuthority authority_;
    Signal go_;
    FakeUpstream upstream_;
    Gateway gateway_;
};

TEST_F(TlsListener, ServesPlainAndStreamedAnswers) {
    const SslContext context = client_context(authority_.certificate(), "localhost");
    TestClient client(tls_port(), context.get(), "localhost");
    for (int i = 0; i < 3; ++i) {
        client.send(chat_request(alice_key, "m"));
        expect_success(client.read_response());
    }
    upstream_.answer(Script()
                         .send(sse_head() + chunk(chat_event("one")))
                         .wait(go_)
                         .send(chunk(done_event) + chunk("")));
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("one"));
    go_.raise();
    EXPECT_TRUE(client.read_rest().is_complete);
}

TEST_F(TlsListener, TakesLargeBodiesInSmallPieces) {
    const SslContext context = client_context(authority_.certificate(), "localhost");
    TestClient client(tls_port(), context.get(), "localhost");
    const std::string body = R"({"model":"m","x":")" + std::string(300'000, 'x') + "\"}";
    client.send_in_pieces(post_json("/v1/chat/completions", alice_key, body), 1013);
    expect_success(client.read_response());
    EXPECT_TRUE(upstream_.requests().at(0).body == body);
}

TEST_F(TlsListener, SpeaksTls12AndLater) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const SslContext context = client_context(authority_.certificate(), "localhost");
        SSL_CTX_set_min_proto_version(context.get(), version);
        SSL_CTX_set_max_proto_version(context.get(), version);
        Wire wire = Wire::connect(tls_port());
        EXPECT_TRUE(wire.start_tls_client(context.get(), "localhost")) << version;
    }
    const SslContext old = client_context(authority_.certificate(), "localhost");
    SSL_CTX_set_security_level(old.get(), 0);
    SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
    Wire wire = Wire::connect(tls_port());
    EXPECT_FALSE(wire.start_tls_client(old.get(), "localhost"));
}

TEST_F(TlsListener, PlainHttpIsAnsweredInPlainHttp) {
    ConfigText text = config();
    text.log_level = "debug";
    Gateway gateway(text, files_of(authority_.issue()));
    const std::vector<std::string> methods{"GET", "POST", "OPTIONS", "DELETE", "PATCH", "HEAD"};
    for (const std::string& method : methods) {
        TestClient client(gateway.daemon().port("client_tls"));
        client.send(request(method, "/v1/models", bearer(alice_key)));
        expect_error(client.read_response(), {.status = 400, .code = "tls_required"});
    }
    TestClient upload(gateway.daemon().port("client_tls"));
    upload.send(chat_request(alice_key, "m") + std::string(100'000, 'x'));
    EXPECT_EQ(upload.read_response().status, 400);
    TestClient garbage(gateway.daemon().port("client_tls"));
    garbage.send("SSH-2.0-OpenSSH_9.2\r\n");
    EXPECT_EQ(garbage.read_raw(), "");
    const CertificateAuthority other("other");
    const SslContext stranger = client_context(other.certificate(), "localhost");
    EXPECT_FALSE(Wire::connect(gateway.daemon().port("client_tls"))
                     .start_tls_client(stranger.get(), "localhost"));
    const SslContext old = client_context(authority_.certificate(), "localhost");
    SSL_CTX_set_security_level(old.get(), 0);
    SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
    EXPECT_FALSE(Wire::connect(gateway.daemon().port("client_tls"))
                     .start_tls_client(old.get(), "localhost"));
    struct Row {
        std::string reason;
        double count;
    };
    for (const Row& row :
         std::vector<Row>{{"plain_http", 7}, {"not_tls", 1}, {"certificate", 1}, {"version", 1}}) {
        EXPECT_TRUE(eventually([&] {
            return metric(gateway, "sluicegate_client_handshake_failures_total",
                          {"reason=\"" + row.reason + "\""}) == row.count;
        })) << row.reason;
        EXPECT_TRUE(gateway.daemon().wait_for_log([&](const nlohmann::json& line) {
            return line.value("event", "") == "handshake_failed" &&
                   line.value("reason", "") == row.reason;
        })) << row.reason;
    }
    EXPECT_EQ(gateway_.daemon().log().find("handshake_failed"), std::string::npos);
}

TEST_F(TlsListener, ACertificateWithoutASubjectAlternativeNameIsWarnedOf) {
    const Identity nameless = authority_.issue({.names = {}, .common_name = "localhost"});
    DaemonOptions options = files_of(nameless);
    Gateway gateway(config(), options);
    const auto is_warning = [](const nlohmann::json& line) {
        return line.value("level", "") == "warn" &&
               line.value("message", "").find("subject alternative name") != std::string::npos;
    };
    EXPECT_TRUE(gateway.daemon().wait_for_log(is_warning));
    const CommandResult check = run_binary({"check", gateway.daemon().config_file()});
    EXPECT_EQ(check.status, 0) << check.output;
    EXPECT_NE(check.output.find("chain.pem has no subject alternative name"), std::string::npos)
        << check.output;
    EXPECT_FALSE(gateway_.daemon().log().find("subject alternative name") != std::string::npos);
}

/// A client's context with a certificate of its own.
SslContext client_context_with(const std::string& ca, const Identity& own) {
    SslContext context = client_context(ca, "localhost");
    BIO* const certificate = BIO_new_mem_buf(own.certificate.data(), -1);
    BIO* const key = BIO_new_mem_buf(own.private_key.data(), -1);
    X509* const x509 = PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
    EVP_PKEY* const private_key = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), x509), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), private_key), 1);
    X509_free(x509);
    EVP_PKEY_free(private_key);
    BIO_free(certificate);
    BIO_free(key);
    return context;
}

/// One request; the status, or 0 if the connection ended without an answer.
int status_of(std::uint16_t port, SSL_CTX* context, SSL_SESSION* session = nullptr) {
    Wire wire = Wire::connect(port);
    if (!wire.start_tls_client(context, "localhost", Deadline(), session)) return 0;
    wire.write_all(chat_request(alice_key, "m"));
    std::string answer;
    while (answer.find("\r\n\r\n") == std::string::npos) {
        const ReadResult read = wire.read_some();
        if (read.end != ReadEnd::data) return 0;
        answer += read.bytes;
    }
    return std::stoi(answer.substr(answer.find(' ') + 1, 3));
}

TEST_F(TlsListener, ClientCertificatesAreDemandedFromAReloadOnAndNoTicketPassesThem) {
    const CertificateAuthority clients("clients");
    const SslContext without = client_context(authority_.certificate(), "localhost");
    SSL_CTX_set_session_cache_mode(without.get(), SSL_SESS_CACHE_CLIENT);
    TestClient before(tls_port(), without.get(), "localhost");
    before.send(chat_request(alice_key, "m"));
    expect_success(before.read_response());
    SSL_SESSION* const session = SSL_get1_session(before.wire().ssl());
    ASSERT_EQ(SSL_SESSION_is_resumable(session), 1);

    ConfigText text = config();
    text.listener_tls =
        "    - address: 127.0.0.1:0\n"
        "      tls: {certificate: chain.pem, private_key: key.pem, client_ca: clients.pem}\n";
    EXPECT_EQ(gateway_.daemon().reload(text.text())["event"], "reload_failed") << "no such file";
    EXPECT_EQ(status_of(tls_port(), without.get()), 200);
    gateway_.daemon().write_beside_config("clients.pem", "not a certificate\n");
    EXPECT_EQ(gateway_.daemon().reload(text.text())["event"], "reload_failed") << "no certificate";
    EXPECT_NE(gateway_.daemon().log().find("clients.pem holds no certificate in PEM form"),
              std::string::npos);
    gateway_.daemon().write_beside_config("clients.pem", clients.certificate());
    EXPECT_EQ(gateway_.daemon().reload(text.text())["event"], "reloaded");

    EXPECT_EQ(status_of(tls_port(), without.get()), 0);
    EXPECT_EQ(status_of(tls_port(), without.get(), session), 0) << "a session from before";
    SSL_SESSION_free(session);
    before.send(chat_request(alice_key, "m"));
    expect_success(before.read_response());

    const LeafOptions good{.usage = "clientAuth"};
    const auto status_with = [&](const Identity& own) {
        return status_of(tls_port(), client_context_with(authority_.certificate(), own).get());
    };
    EXPECT_EQ(status_with(clients.issue(good)), 200);
    EXPECT_EQ(status_with(authority_.issue(good)), 0) << "another authority";
    EXPECT_EQ(
        status_with(clients.issue({.usage = "clientAuth", .valid_to = std::chrono::hours(-1)})), 0)
        << "expired";
    EXPECT_EQ(status_with(clients.issue()), 0) << "for servers only";

    const CertificateAuthority next("the next authority");
    gateway_.daemon().write_beside_config("clients.pem", next.certificate());
    EXPECT_EQ(gateway_.daemon().reload(text.text())["event"], "reloaded");
    EXPECT_EQ(status_with(clients.issue(good)), 0);
    EXPECT_EQ(status_with(next.issue(good)), 200);

    const CertificateAuthority team("a team of the next authority", next);
    gateway_.daemon().write_beside_config("clients.pem", team.certificate());
    EXPECT_EQ(gateway_.daemon().reload(text.text())["event"], "reloaded");
    EXPECT_EQ(status_with(team.issue(good)), 200) << "the root need not be in the file";
    EXPECT_EQ(status_with(next.issue(good)), 0) << "and then is not trusted";
}

TEST_F(TlsListener, ARefusedClientCertificateIsCounted) {
    const CertificateAuthority clients("clients");
    gateway_.daemon().write_beside_config("clients.pem", clients.certificate());
    ConfigText text = config();
    text.listener_tls =
        "    - address: 127.0.0.1:0\n"
        "      tls: {certificate: chain.pem, private_key: key.pem, client_ca: clients.pem}\n";
    const std::string_view metric_name = "sluicegate_client_connections_refused_total";
    const auto counted = [&] {
        return metric(gateway_, metric_name, {"reason=\"client_certificate\""});
    };
    const SslContext without = client_context(authority_.certificate(), "localhost");
    EXPECT_EQ(status_of(tls_port(), without.get()), 200);
    EXPECT_EQ(counted(), 0) << "none is demanded yet";
    ASSERT_EQ(gateway_.daemon().reload(text.text())["event"], "reloaded");

    const LeafOptions good{.usage = "clientAuth"};
    struct Row {
        std::string name;
        SslContext context;
        bool is_refused;
    };
    std::vector<Row> rows;
    const auto add = [&](const std::string& name, const Identity& own, bool is_refused) {
        rows.push_back({name, client_context_with(authority_.certificate(), own), is_refused});
    };
    rows.push_back({"none", client_context(authority_.certificate(), "localhost"), true});
    add("right", clients.issue(good), false);
    add("another authority", authority_.issue(good), true);
    add("expired", clients.issue({.usage = "clientAuth", .valid_to = std::chrono::hours(-1)}),
        true);
    add("for servers only", clients.issue(), true);
    double expected = 0;
    for (const Row& row : rows) {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            SCOPED_TRACE(row.name + " " + std::to_string(version));
            SSL_CTX_set_min_proto_version(row.context.get(), version);
            SSL_CTX_set_max_proto_version(row.context.get(), version);
            EXPECT_EQ(status_of(tls_port(), row.context.get()), row.is_refused ? 0 : 200);
            expected += row.is_refused ? 1 : 0;
            EXPECT_TRUE(eventually([&] { return counted() == expected; })) << counted();
        }
    }
    // Other failures of a handshake are others.
    TestClient plain(tls_port());
    plain.send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_NE(plain.read_to_end(), ReadEnd::timeout);
    EXPECT_EQ(counted(), expected);
}

TEST_F(TlsListener, ATicketIsGoodAfterAReloadWithANewCertificate) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        const SslContext context = client_context(authority_.certificate(), "localhost");
        SSL_CTX_set_min_proto_version(context.get(), version);
        SSL_CTX_set_max_proto_version(context.get(), version);
        TestClient client(tls_port(), context.get(), "localhost");
        client.send(chat_request(alice_key, "m"));
        expect_success(client.read_response());
        SSL_SESSION* const session = SSL_get1_session(client.wire().ssl());

        const Identity renewed = authority_.issue();
        gateway_.daemon().write_beside_config("chain.pem", renewed.certificate);
        gateway_.daemon().write_beside_config("key.pem", renewed.private_key);
        EXPECT_EQ(gateway_.daemon().reload(config().text())["event"], "reloaded");
        Wire wire = Wire::connect(tls_port());
        EXPECT_TRUE(wire.start_tls_client(context.get(), "localhost", Deadline(), session));
        EXPECT_EQ(SSL_session_reused(wire.ssl()), 1);
        SSL_SESSION_free(session);
    }
}

TEST_F(TlsListener, PlainBytesAndSilenceAreClosed) {
    TestClient plain(tls_port());
    plain.send(request("GET", "/v1/models", bearer(alice_key)));
    EXPECT_NE(plain.read_to_end(), ReadEnd::timeout);
    TestClient silent(tls_port());
    EXPECT_NE(silent.read_to_end(), ReadEnd::timeout) << "the handshake has a deadline";
    expect_success(gateway_.chat(alice_key, "m"));
}

/// As configured below.
constexpr milliseconds head_timeout{2000};

/// The bytes of one record that carries `text`, taken from the connection before they are sent.
std::string record_of(SSL* tls, std::string_view text) {
    BIO* const to_socket = SSL_get_wbio(tls);
    BIO_up_ref(to_socket);
    BIO* const memory = BIO_new(BIO_s_mem());
    SSL_set0_wbio(tls, memory);
    SSL_write(tls, text.data(), static_cast<int>(text.size()));
    std::string record(static_cast<std::size_t>(BIO_pending(memory)), '\0');
    BIO_read(memory, record.data(), static_cast<int>(record.size()));
    SSL_set0_wbio(tls, to_socket);
    return record;
}

TEST_F(TlsListener, ARecordThatTricklesAroundTheDeadlineDoesNotLiftIt) {
    const SslContext context = client_context(authority_.certificate(), "localhost");
    std::vector<TestClient> clients;
    std::vector<std::string> records;
    for (int i = 0; i < 24; ++i) {
        clients.emplace_back(tls_port(), context.get(), "localhost");
        records.push_back(record_of(clients.back().wire().ssl(), std::string(16'000, 'x')));
    }
    // From before the deadline of the head until behind it, byte by byte, and never a whole record:
    // with luck, a byte has just ended a read of the socket when the deadline interrupts it.
    let_time_pass(head_timeout - milliseconds(200));
    std::size_t sent = 0;
    for (const Deadline until(milliseconds(500)); !until.has_passed() && sent < 16'000; ++sent) {
        for (std::size_t i = 0; i < clients.size(); ++i) {
            const int descriptor = SSL_get_fd(clients[i].wire().ssl());
            static_cast<void>(::send(descriptor, &records[i].at(sent), 1, MSG_NOSIGNAL));
        }
    }
    for (TestClient& client : clients) EXPECT_NE(client.read_to_end(), ReadEnd::timeout);
}

TEST_F(TlsListener, AClientThatLeavesStopsTheUpstream) {
    upstream_.answer(Script().send(sse_head() + chunk(chat_event("one"))).wait(go_));
    const SslContext context = client_context(authority_.certificate(), "localhost");
    TestClient client(tls_port(), context.get(), "localhost");
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("one"));
    client.wire().close();
    EXPECT_TRUE(upstream_.wait_for_peer_close(0, Deadline(milliseconds(5000))));
}

TEST_F(TlsListener, ACutStreamEndsWithoutCloseNotify) {
    upstream_.answer(Script().send(sse_head() + chunk(chat_event("one"))).cut());
    const SslContext context = client_context(authority_.certificate(), "localhost");
    TestClient client(tls_port(), context.get(), "localhost");
    client.send(chat_request(alice_key, "m", true));
    const Response response = client.read_response();
    EXPECT_FALSE(response.is_complete && response.status == 200);
}

}  // namespace
}  // namespace sluicegate::support
