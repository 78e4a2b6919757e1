#include "sluicegate/net/tls.hpp"

#include "sluicegate/net/stream.hpp"

#include "net/certificates.hpp"
#include "net/manual_clock.hpp"
#include "net/running_task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace sluicegate::net {
namespace {

using testing::HasSubstr;
using Outcome = std::tuple<ErrorCode>;

/// Both ends of one TLS connection over a socket pair.
class Handshake {
public:
    Handshake(asio::io_context& context, const TlsContext& server_tls, const TlsContext& client_tls)
        : context_(context) {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        const asio::generic::stream_protocol protocol(AF_UNIX, 0);
        Socket server_end(context.get_executor(), protocol, ends[0]);
        Socket client_end(context.get_executor(), protocol, ends[1]);
        server.emplace(std::move(server_end), server_tls.get());
        client.emplace(std::move(client_end), client_tls.get());
    }

    /// Empty when the client accepted the server, else its reason not to.
    std::string run(const std::string& server_name, SessionCache& sessions) {
        auto prepared = prepare_client_handshake(client->tls_handle(), server_name, sessions);
        if (!prepared) return prepared.error().detail;
        test::RunningTask<Outcome> accepting(context_, server->accept_tls());
        const auto [refused] = test::run(context_, client->connect_tls());
        if (refused) {
            server->close();
            static_cast<void>(accepting.take());
            const std::string reason = verification_error(client->tls_handle());
            return reason.empty() ? refused.message() : reason;
        }
        const auto [failed] = accepting.take();
        EXPECT_FALSE(failed) << failed.message();
        return {};
    }
    /// What the server says of the handshake.
    bool is_accepted(const std::string& server_name, SessionCache& sessions) {
        auto prepared = prepare_client_handshake(client->tls_handle(), server_name, sessions);
        EXPECT_TRUE(prepared);
        test::RunningTask<Outcome> accepting(context_, server->accept_tls());
        static_cast<void>(test::run(context_, client->connect_tls()));
        const auto [refused] = accepting.take();
        return !refused;
    }
    std::string send_from_server(const std::string& text, std::size_t room) {
        const std::vector<asio::const_buffer> pieces{asio::buffer(text)};
        EXPECT_FALSE(std::get<0>(test::run(context_, server->write(pieces))));
        std::string into(room, '\0');
        const auto [error, size] = test::run(context_, client->read_some(asio::buffer(into)));
        EXPECT_FALSE(error) << error.message();
        into.resize(size);
        return into;
    }

    std::optional<Stream> server;
    std::optional<Stream> client;

private:
    asio::io_context& context_;
};

class Tls : public testing::Test {
protected:
    TlsContext server(const test::CertificateFiles& files) {
        auto made =
            make_server_tls({.certificate_file = files.certificate, .private_key_file = files.key});
        EXPECT_TRUE(made);
        return *made;
    }
    TlsContext client(const std::string& ca_file) {
        auto made = make_client_tls(
            {.ca_file = ca_file, .client_certificate_file = {}, .client_key_file = {}});
        EXPECT_TRUE(made);
        return *made;
    }
    test::CertificateFiles usual() { return authority.issue("usual", {}); }

    test::TemporaryFolder folder;
    test::Authority authority{folder, "authority"};
    asio::io_context context;
    test::ManualClock clock;
    SessionCache sessions{clock};
};

TEST_F(Tls, ClientAcceptsAndRefusesServersForTheRightReason) {
    test::Authority stranger(folder, "stranger");
    struct Row {
        const char* name;
        test::Authority& issuer;
        test::CertificateRequest certificate;
        const char* server_name;
        const char* reason;  ///< "" when the server is accepted
    };
    const std::vector<Row> rows{
        {"the name", authority, {}, "gateway.test", ""},
        {"upper case", authority, {}, "GATEWAY.test", ""},
        {"wildcard", authority, {.names = "DNS:*.gateway.test"}, "eu.gateway.test", ""},
        {"address", authority, {.names = "IP:127.0.0.1"}, "127.0.0.1", ""},
        {"IPv6 address", authority, {.names = "IP:::1"}, "::1", ""},
        {"another name", authority, {}, "other.test", "hostname mismatch"},
        {"name below", authority, {}, "eu.gateway.test", "hostname mismatch"},
        {"wildcard does not reach two labels",
         authority,
         {.names = "DNS:*.gateway.test"},
         "a.b.gateway.test",
         "hostname mismatch"},
        {"partial wildcard",
         authority,
         {.names = "DNS:e*.gateway.test"},
         "eu.gateway.test",
         "hostname mismatch"},
        {"another address",
         authority,
         {.names = "IP:127.0.0.2"},
         "127.0.0.1",
         "IP address mismatch"},
        {"address as a name",
         authority,
         {.names = "DNS:127.0.0.1"},
         "127.0.0.1",
         "IP address mismatch"},
        {"a common name alone",
         authority,
         {.names = "", .common_name = "gateway.test"},
         "gateway.test",
         "hostname mismatch"},
        {"a common name beside names of another kind",
         authority,
         {.names = "URI:https://gateway.test/", .common_name = "gateway.test"},
         "gateway.test",
         "hostname mismatch"},
        {"a common name beside an address",
         authority,
         {.names = "IP:127.0.0.1", .common_name = "gateway.test"},
         "gateway.test",
         "hostname mismatch"},
        {"a wildcard as a common name",
         authority,
         {.names = "", .common_name = "*.gateway.test"},
         "eu.gateway.test",
         "hostname mismatch"},
        {"an address as a common name",
         authority,
         {.names = "", .common_name = "127.0.0.1"},
         "127.0.0.1",
         "IP address mismatch"},
        {"expired", authority, {.begins = -7200, .ends = -3600}, "gateway.test", "expired"},
        {"not yet valid",
         authority,
         {.begins = 3600, .ends = 7200},
         "gateway.test",
         "not yet valid"},
        {"unknown authority", stranger, {}, "gateway.test", "unable to get local issuer"},
        {"for clients only", authority, {.usage = "clientAuth"}, "gateway.test", "purpose"},
    };
    const TlsContext client_tls = client(authority.file());
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const TlsContext server_tls = server(row.issuer.issue("server", row.certificate));
        Handshake handshake(context, server_tls, client_tls);
        SessionCache none(clock);
        const std::string reason = handshake.run(row.server_name, none);
        if (*row.reason == '\0') {
            EXPECT_EQ(reason, "");
        } else {
            EXPECT_THAT(reason, HasSubstr(row.reason));
        }
    }
}

TEST_F(Tls, ACertificateOfAServerNeedsANameThatClientsCanVerify) {
    struct Row {
        const char* names;
        bool is_enough;
    };
    for (const Row& row : {Row{"DNS:gateway.test", true}, Row{"IP:127.0.0.1", true},
                           Row{"email:a@b.test,DNS:gateway.test", true},
                           Row{"URI:https://gateway.test/", false}, Row{"", false}}) {
        SCOPED_TRACE(row.names);
        const test::CertificateRequest request{.names = row.names, .common_name = "gateway.test"};
        const TlsContext server_tls = server(authority.issue("server", request));
        EXPECT_EQ(has_subject_alternative_name(server_tls), row.is_enough);
    }
}

/// OpenSSL's names. A cipher of TLS 1.2 is allowed if it has forward secrecy and AEAD.
struct CipherRow {
    const char* name;
    bool is_rsa;  ///< the certificate's key, which decides about the cipher
    bool is_allowed;
};
constexpr std::array cipher_rows{
    CipherRow{"ECDHE-RSA-AES256-GCM-SHA384", true, true},
    CipherRow{"ECDHE-RSA-AES128-GCM-SHA256", true, true},
    CipherRow{"ECDHE-RSA-CHACHA20-POLY1305", true, true},
    CipherRow{"ECDHE-ECDSA-AES256-GCM-SHA384", false, true},
    CipherRow{"ECDHE-ECDSA-AES128-GCM-SHA256", false, true},
    CipherRow{"ECDHE-ECDSA-CHACHA20-POLY1305", false, true},
    CipherRow{"AES256-GCM-SHA384", true, false},
    CipherRow{"AES128-GCM-SHA256", true, false},
    CipherRow{"AES128-SHA", true, false},
    CipherRow{"ECDHE-RSA-AES256-SHA384", true, false},
    CipherRow{"ECDHE-RSA-AES128-SHA256", true, false},
    CipherRow{"ECDHE-RSA-AES128-SHA", true, false},
    CipherRow{"DHE-RSA-AES256-GCM-SHA384", true, false},
    CipherRow{"ECDHE-ECDSA-AES256-SHA384", false, false},
    CipherRow{"ECDHE-ECDSA-AES128-SHA", false, false},
};

/// `context` speaks TLS 1.2 with this cipher alone, as an old peer would.
void limit_to(const TlsContext& context, const char* cipher) {
    SSL_CTX* native = context->native_handle();
    SSL_CTX_set_max_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_dh_auto(native, 1);
    ASSERT_EQ(SSL_CTX_set_cipher_list(native, cipher), 1);
}

TEST_F(Tls, Tls12IsSpokenOnlyWithForwardSecrecyAndAead) {
    const test::CertificateFiles rsa = authority.issue("rsa", {.is_rsa = true});
    for (const CipherRow& row : cipher_rows) {
        SCOPED_TRACE(row.name);
        for (const bool is_server_old : {false, true}) {
            SCOPED_TRACE(is_server_old ? "the server is old" : "the client is old");
            const TlsContext server_tls = server(row.is_rsa ? rsa : usual());
            const TlsContext client_tls = client(authority.file());
            limit_to(is_server_old ? server_tls : client_tls, row.name);
            Handshake handshake(context, server_tls, client_tls);
            SessionCache none(clock);
            EXPECT_EQ(handshake.run("gateway.test", none).empty(), row.is_allowed);
        }
    }
}

TEST_F(Tls, CarriesBytesInBothDirections) {
    const TlsContext server_tls = server(usual());
    const TlsContext client_tls = client(authority.file());
    Handshake handshake(context, server_tls, client_tls);
    ASSERT_EQ(handshake.run("gateway.test", sessions), "");
    EXPECT_TRUE(handshake.client->is_tls());
    EXPECT_EQ(handshake.send_from_server("hello", 100), "hello");

    const std::string head = "head ";
    const std::string body(100'000, 'x');
    const std::vector<asio::const_buffer> pieces{asio::buffer(head), asio::const_buffer(),
                                                 asio::buffer(body)};
    test::RunningTask<Transfer> write(context, handshake.client->write(pieces));
    std::string got;
    while (got.size() < head.size() + body.size()) {
        std::string into(32 * 1024, '\0');
        const auto [error, size] =
            test::run(context, handshake.server->read_some(asio::buffer(into)));
        ASSERT_FALSE(error) << error.message();
        got += into.substr(0, size);
    }
    EXPECT_EQ(write.take(), Transfer(ErrorCode(), head.size() + body.size()));
    EXPECT_EQ(got, head + body);
}

TEST_F(Tls, AnEndWithoutCloseNotifyIsNotAnOrderlyEnd) {
    const TlsContext server_tls = server(usual());
    const TlsContext client_tls = client(authority.file());
    Handshake handshake(context, server_tls, client_tls);
    ASSERT_EQ(handshake.run("gateway.test", sessions), "");
    handshake.server->shutdown_send();
    std::string into(100, '\0');
    const auto [error, size] = test::run(context, handshake.client->read_some(asio::buffer(into)));
    EXPECT_TRUE(error);
    EXPECT_NE(error, asio::error::eof) << "a cut answer must not look complete";
}

/// OpenSSL's server gives two tickets with a full handshake and one with a resumed one.
TEST_F(Tls, ASessionMakesTheNextHandshakeShort) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        const TlsContext server_tls = server(usual());
        SSL_CTX_set_max_proto_version(server_tls->native_handle(), version);
        const TlsContext client_tls = client(authority.file());
        SessionCache cache(clock);
        for (int i = 0; i < 4; ++i) {
            SCOPED_TRACE(i);
            Handshake handshake(context, server_tls, client_tls);
            ASSERT_EQ(handshake.run("gateway.test", cache), "");
            EXPECT_EQ(session_was_resumed(handshake.client->tls_handle()), i > 0);
            // TLS 1.3 sends its tickets behind the handshake: they come with the first bytes.
            EXPECT_EQ(handshake.send_from_server("hello", 100), "hello");
            EXPECT_GT(cache.size(), 0U);
        }
    }
}

/// What a client offers at one handshake, and what comes of it.
class TicketTest : public Tls {
protected:
    ServerTlsOptions options_of(const test::CertificateFiles& files) const {
        return {.certificate_file = files.certificate,
                .private_key_file = files.key,
                .session_scope = "listener",
                .ticket_keys = keys};
    }
    TlsContext made_of(const ServerTlsOptions& options, int version) {
        auto made = make_server_tls(options);
        if (!made) throw std::runtime_error(made.error().detail);
        SSL_CTX_set_max_proto_version((*made)->native_handle(), version);
        return *made;
    }
    /// Connects with the newest session of `cache` and takes a new one from the server. True if
    /// the server took the old one.
    bool resumes(const TlsContext& server_tls, SessionCache& cache) {
        Handshake handshake(context, server_tls, client_tls);
        EXPECT_EQ(handshake.run("gateway.test", cache), "");
        EXPECT_EQ(handshake.send_from_server("hello", 100), "hello");
        SSL* handle = handshake.client->tls_handle();
        const bool is_resumed = session_was_resumed(handle);
        // In TLS 1.2 OpenSSL tells no callback of the ticket that comes with a resumption.
        if (is_resumed && SSL_version(handle) == TLS1_2_VERSION) {
            cache.store(Session(SSL_get1_session(handle)));
        }
        return is_resumed;
    }

    static constexpr std::array versions{TLS1_2_VERSION, TLS1_3_VERSION};
    std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>();
    TlsContext client_tls = client(authority.file());
};

TEST_F(TicketTest, ATicketOutlivesTheRotationsOfItsLifetimeAndNoMore) {
    for (const int version : versions) {
        SCOPED_TRACE(version);
        const TlsContext server_tls = made_of(options_of(usual()), version);
        for (std::size_t rotations = 0; rotations <= TicketKeys::kept_max + 1; ++rotations) {
            SCOPED_TRACE(rotations);
            SessionCache cache(clock);
            EXPECT_FALSE(resumes(server_tls, cache));
            for (std::size_t i = 0; i < rotations; ++i) keys->rotate();
            EXPECT_EQ(resumes(server_tls, cache), rotations <= TicketKeys::kept_max);
        }
    }
}

TEST_F(TicketTest, AClientThatComesBackInTimeAlwaysHasAFreshTicket) {
    for (const int version : versions) {
        SCOPED_TRACE(version);
        const TlsContext server_tls = made_of(options_of(usual()), version);
        SessionCache cache(clock);
        EXPECT_FALSE(resumes(server_tls, cache));
        for (std::size_t i = 0; i < 3 * TicketKeys::kept_max; ++i) {
            keys->rotate();
            EXPECT_TRUE(resumes(server_tls, cache)) << i;
        }
    }
}

TEST_F(TicketTest, ATicketIsGoodAtEachContextOfItsScope) {
    const test::CertificateFiles renewed = authority.issue("renewed", {});
    for (const int version : versions) {
        SCOPED_TRACE(version);
        SessionCache cache(clock);
        EXPECT_FALSE(resumes(made_of(options_of(usual()), version), cache));
        EXPECT_TRUE(resumes(made_of(options_of(renewed), version), cache));
        ServerTlsOptions elsewhere = options_of(usual());
        elsewhere.session_scope = "another listener";
        EXPECT_FALSE(resumes(made_of(elsewhere, version), cache));
        ServerTlsOptions stranger = options_of(usual());
        stranger.ticket_keys = std::make_shared<TicketKeys>();
        EXPECT_FALSE(resumes(made_of(stranger, version), cache));
    }
}

TEST_F(TicketTest, TicketKeysOfOneProcessDiffer) {
    const auto newest = keys->newest();
    EXPECT_TRUE(keys->find(newest.name.data())->is_newest);
    keys->rotate();
    EXPECT_NE(keys->newest().name, newest.name);
    EXPECT_NE(keys->newest().cipher, newest.cipher);
    EXPECT_NE(keys->newest().mac, newest.mac);
    EXPECT_FALSE(keys->find(newest.name.data())->is_newest);
    for (std::size_t i = 0; i < TicketKeys::kept_max; ++i) keys->rotate();
    EXPECT_FALSE(keys->find(newest.name.data()));
}

class ClientCertificateTest : public TicketTest {
protected:
    ServerTlsOptions demanding() {
        ServerTlsOptions options = options_of(usual());
        options.client_ca_file = clients.file();
        return options;
    }
    TlsContext client_with(const test::CertificateFiles& files) {
        auto made = make_client_tls({.ca_file = authority.file(),
                                     .client_certificate_file = files.certificate,
                                     .client_key_file = files.key});
        if (!made) throw std::runtime_error(made.error().detail);
        return *made;
    }
    /// Whether the server let the client in. In TLS 1.3 the client hears of it only later.
    bool lets_in(const TlsContext& server_tls, const TlsContext& client, SessionCache& cache) {
        Handshake handshake(context, server_tls, client);
        return handshake.is_accepted("gateway.test", cache);
    }

    test::Authority clients{folder, "clients"};
};

TEST_F(ClientCertificateTest, OnlyAValidCertificateOfTheAuthorityIsLetIn) {
    test::Authority stranger(folder, "stranger");
    struct Row {
        const char* name;
        std::optional<TlsContext> client;
        bool is_let_in;
    };
    const test::CertificateRequest good{.usage = "clientAuth"};
    const std::vector<Row> rows{
        {"right", client_with(clients.issue("right", good)), true},
        {"none", client(authority.file()), false},
        {"another authority", client_with(stranger.issue("stranger", good)), false},
        {"the server's authority", client_with(authority.issue("server's", good)), false},
        {"expired",
         client_with(
             clients.issue("expired", {.usage = "clientAuth", .begins = -7200, .ends = -3600})),
         false},
        {"not yet valid",
         client_with(clients.issue("early", {.usage = "clientAuth", .begins = 3600, .ends = 7200})),
         false},
        {"for servers only", client_with(clients.issue("server", {.usage = "serverAuth"})), false},
    };
    for (const int version : versions) {
        SCOPED_TRACE(version);
        const TlsContext server_tls = made_of(demanding(), version);
        for (const Row& row : rows) {
            SCOPED_TRACE(row.name);
            SessionCache none(clock);
            EXPECT_EQ(lets_in(server_tls, *row.client, none), row.is_let_in);
        }
    }
}

TEST_F(ClientCertificateTest, ASessionFromBeforeIsNoWayPastIt) {
    for (const int version : versions) {
        SCOPED_TRACE(version);
        SessionCache cache(clock);
        EXPECT_FALSE(resumes(made_of(options_of(usual()), version), cache));
        ASSERT_GT(cache.size(), 0U);
        EXPECT_FALSE(lets_in(made_of(demanding(), version), client_tls, cache));
    }
}

TEST_F(ClientCertificateTest, NoSessionIsGivenOut) {
    const TlsContext right = client_with(clients.issue("right", {.usage = "clientAuth"}));
    for (const int version : versions) {
        SCOPED_TRACE(version);
        const TlsContext server_tls = made_of(demanding(), version);
        SessionCache cache(clock);
        for (int i = 0; i < 3; ++i) {
            Handshake handshake(context, server_tls, right);
            ASSERT_EQ(handshake.run("gateway.test", cache), "");
            EXPECT_EQ(handshake.send_from_server("hello", 100), "hello");
            EXPECT_FALSE(session_was_resumed(handshake.client->tls_handle()));
        }
        EXPECT_EQ(cache.size(), 0U);
    }
}

TEST_F(ClientCertificateTest, AFileWithoutAuthoritiesIsNamed) {
    const std::string garbage = folder.file("garbage.pem");
    std::ofstream(garbage) << "not PEM\n";
    for (const std::string& file : {folder.file("missing.pem"), garbage, usual().key}) {
        SCOPED_TRACE(file);
        ServerTlsOptions options = options_of(usual());
        options.client_ca_file = file;
        const auto made = make_server_tls(options);
        ASSERT_FALSE(made);
        EXPECT_THAT(made.error().detail, HasSubstr("certificate authorities"));
        EXPECT_THAT(made.error().detail, HasSubstr(file));
    }
}

TEST_F(Tls, ConnectionsMadeSideBySideEachUseATicketOfTheirOwn) {
    const TlsContext server_tls = server(usual());
    const TlsContext client_tls = client(authority.file());
    {
        Handshake first(context, server_tls, client_tls);
        ASSERT_EQ(first.run("gateway.test", sessions), "");
        EXPECT_TRUE(first.client->is_quiet());
    }
    ASSERT_EQ(sessions.size(), 2U);
    std::vector<std::unique_ptr<Handshake>> handshakes;
    for (const bool is_resumed : {true, true, false}) {
        handshakes.push_back(std::make_unique<Handshake>(context, server_tls, client_tls));
        ASSERT_EQ(handshakes.back()->run("gateway.test", sessions), "");
        EXPECT_EQ(session_was_resumed(handshakes.back()->client->tls_handle()), is_resumed);
    }
    EXPECT_EQ(sessions.size(), 0U) << "no ticket is used twice";
    for (const auto& handshake : handshakes) EXPECT_TRUE(handshake->client->is_quiet());
    EXPECT_EQ(sessions.size(), 4U);
}

TEST_F(Tls, SessionsAreBoundedInNumberAndAge) {
    const TlsContext server_tls = server(usual());
    const TlsContext client_tls = client(authority.file());
    for (std::size_t i = 0; i < SessionCache::sessions_max; ++i) {
        SessionCache none(clock);
        Handshake handshake(context, server_tls, client_tls);
        ASSERT_EQ(handshake.run("gateway.test", none), "");
        EXPECT_TRUE(handshake.client->is_quiet());
        while (Session session = none.take()) sessions.store(std::move(session));
    }
    EXPECT_EQ(sessions.size(), SessionCache::sessions_max);
    clock.advance(SessionCache::age_max - std::chrono::milliseconds(1));
    EXPECT_NE(sessions.take(), nullptr);
    clock.advance(std::chrono::milliseconds(1));
    EXPECT_EQ(sessions.take(), nullptr);
    EXPECT_EQ(sessions.size(), 0U);
}

TEST_F(Tls, BytesThatWaitInsideTheTlsLayerAreNotQuiet) {
    const TlsContext server_tls = server(usual());
    const TlsContext client_tls = client(authority.file());
    Handshake handshake(context, server_tls, client_tls);
    ASSERT_EQ(handshake.run("gateway.test", sessions), "");
    ASSERT_EQ(handshake.send_from_server("answer", 6), "answer");
    EXPECT_TRUE(handshake.client->is_quiet());
    // One record, of which the reader takes a part: the socket itself is empty then.
    ASSERT_EQ(handshake.send_from_server("answer, and stray bytes", 6), "answer");
    EXPECT_FALSE(handshake.client->is_quiet());
}

TEST_F(Tls, SessionTicketsOnAnIdleConnectionAreTakenInAndDoNotCount) {
    const TlsContext server_tls = server(usual());
    const TlsContext client_tls = client(authority.file());
    Handshake handshake(context, server_tls, client_tls);
    ASSERT_EQ(handshake.run("gateway.test", sessions), "");
    // They came after the handshake, and there was no read since.
    EXPECT_TRUE(handshake.client->is_quiet());
    EXPECT_GT(sessions.size(), 0U);
    EXPECT_TRUE(handshake.client->is_quiet());
    EXPECT_EQ(handshake.send_from_server("answer", 100), "answer") << "it is as usable as before";
    EXPECT_TRUE(handshake.client->is_quiet());

    const std::string text = "stray";
    const std::vector<asio::const_buffer> pieces{asio::buffer(text)};
    EXPECT_FALSE(std::get<0>(test::run(context, handshake.server->write(pieces))));
    EXPECT_FALSE(handshake.client->is_quiet());
}

TEST_F(Tls, AnEndIsNotQuiet) {
    const TlsContext server_tls = server(usual());
    const TlsContext client_tls = client(authority.file());
    for (const bool reads_tickets : {false, true}) {
        SCOPED_TRACE(reads_tickets);
        Handshake handshake(context, server_tls, client_tls);
        ASSERT_EQ(handshake.run("gateway.test", sessions), "");
        if (reads_tickets) {
            EXPECT_TRUE(handshake.client->is_quiet());
        }
        handshake.server->close();
        EXPECT_FALSE(handshake.client->is_quiet());
    }
}

TEST_F(Tls, ErrorsNameTheFile) {
    const test::CertificateFiles good = usual();
    const test::CertificateFiles other = authority.issue("other", {});
    const std::string garbage = folder.file("garbage.pem");
    std::ofstream(garbage) << "not PEM\n";
    struct Row {
        const char* name;
        std::string certificate, key, what, file;
    };
    const std::string missing = folder.file("missing.pem");
    const std::vector<Row> rows{
        {"no certificate", missing, good.key, "certificate chain", missing},
        {"garbage certificate", garbage, good.key, "certificate chain", garbage},
        {"no key", good.certificate, missing, "private key", missing},
        {"garbage key", good.certificate, garbage, "private key", garbage},
        {"key of another certificate", good.certificate, other.key, "private key", other.key},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto server_tls =
            make_server_tls({.certificate_file = row.certificate, .private_key_file = row.key});
        ASSERT_FALSE(server_tls);
        EXPECT_THAT(server_tls.error().detail, HasSubstr(row.what));
        EXPECT_THAT(server_tls.error().detail, HasSubstr(row.file));
        const auto client_tls = make_client_tls({.ca_file = {},
                                                 .client_certificate_file = row.certificate,
                                                 .client_key_file = row.key});
        ASSERT_FALSE(client_tls);
        EXPECT_THAT(client_tls.error().detail, HasSubstr(row.file));
    }
    const auto no_authority =
        make_client_tls({.ca_file = missing, .client_certificate_file = {}, .client_key_file = {}});
    ASSERT_FALSE(no_authority);
    EXPECT_THAT(no_authority.error().detail, HasSubstr(missing));
}

}  // namespace
}  // namespace sluicegate::net
