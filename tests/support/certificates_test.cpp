#include "support/certificates.hpp"

#include "support/fake_upstream.hpp"
#include "support/test_client.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

/// Whether a verifying client of `authority` accepts the server.
bool is_accepted(const CertificateAuthority& authority, const Identity& identity,
                 const std::string& host) {
    const FakeUpstream server(server_context(identity));
    const SslContext context = client_context(authority.certificate(), host);
    Wire wire = Wire::connect(server.port());
    return wire.start_tls_client(context.get(), host);
}

TEST(Certificates, OnlyTheGoodOneIsAccepted) {
    const CertificateAuthority authority;
    const CertificateAuthority stranger("stranger");
    struct Row {
        std::string name;
        Identity identity;
        std::string host;
        bool is_good;
    };
    const std::vector<Row> rows{
        {"good", authority.issue(), "localhost", true},
        {"good address", authority.issue(), "127.0.0.1", true},
        {"wrong name", authority.issue({.names = {"DNS:other.test"}}), "localhost", false},
        {"expired", authority.issue({.valid_to = std::chrono::hours(-1)}), "localhost", false},
        {"not yet", authority.issue({.valid_from = std::chrono::hours(1)}), "localhost", false},
        {"unknown CA", stranger.issue(), "localhost", false},
        {"client only", authority.issue({.usage = "clientAuth"}), "localhost", false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(is_accepted(authority, row.identity, row.host), row.is_good);
    }
}

TEST(Certificates, AnUpstreamResumesSessionsAndSaysSo) {
    const CertificateAuthority authority;
    const FakeUpstream server(server_context(authority.issue()));
    const SslContext context = client_context(authority.certificate(), "localhost");
    std::unique_ptr<SSL_SESSION, SslFree> session;
    for (const bool is_resumed : {false, true}) {
        Wire wire = Wire::connect(server.port());
        ASSERT_TRUE(wire.start_tls_client(context.get(), "localhost", Deadline(), session.get()));
        wire.write_all(request("GET", "/", ""));
        EXPECT_EQ(wire.read_some().end, ReadEnd::data);
        session.reset(SSL_get1_session(wire.ssl()));
        EXPECT_EQ(server.connections().back().is_session_resumed, is_resumed);
        wire.close();
    }
}

TEST(Certificates, AnUpstreamUnderTlsRecordsTheName) {
    const CertificateAuthority authority;
    const FakeUpstream server(server_context(authority.issue()));
    const SslContext context = client_context(authority.certificate(), "localhost");
    TestClient client(server.port(), context.get(), "localhost");
    client.send(request("GET", "/", ""));
    EXPECT_EQ(client.read_response("GET").status, 200);
    EXPECT_EQ(server.connections().at(0).server_name, "localhost");
    EXPECT_TRUE(server.connections().at(0).is_tls_established);
}

}  // namespace
}  // namespace sluicegate::support
