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
        auto made = make_server_tls(files.certificate, files.key);
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
        const auto server_tls = make_server_tls(row.certificate, row.key);
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
