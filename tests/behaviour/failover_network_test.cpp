// Upstreams that cannot be reached or trusted: names, connections and TLS, with a healthy one
// beside them.
#include "behaviour/routes.hpp"
#include "support/certificates.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class FailoverNetwork : public testing::TestWithParam<bool> {
protected:
    FailoverNetwork() { sign(healthy_, "second"); }

    /// `first` and the healthy one as its fallback, and as the second of two endpoints.
    void expect_survived(const std::string& first_url, const std::string& options = {},
                         const DaemonOptions& files = {}) {
        const std::string impatient = "timeouts: {connect: 700ms, first_byte: 700ms}" +
                                      (options.empty() ? "" : ", " + options);
        const Gateway gateway(
            routes_config(upstream_line("first", first_url, impatient) +
                              upstream_line("second", healthy_.base_url()),
                          "  m: {route: [{upstream: first}], fallback: [{upstream: second}]}\n"),
            files);
        const auto start = std::chrono::steady_clock::now();
        const std::size_t before = count(healthy_);
        const Response response = gateway.send(chat_request(alice_key, "m", GetParam()));
        expect_answer_of(response, "second", GetParam());
        EXPECT_EQ(attempts_of(response), 2);
        EXPECT_EQ(response.field("x-sluicegate-upstream"), "second");
        EXPECT_EQ(count(healthy_), before + 1);
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    }
    [[nodiscard]] DaemonOptions with_ca() const {
        DaemonOptions options;
        options.files = {{"ca.pem", authority_.certificate()}};
        return options;
    }

    CertificateAuthority authority_;
    FakeUpstream healthy_;
};

TEST_P(FailoverNetwork, AnUnknownName) {
    expect_survived("http://no-such-host.invalid:1/v1");
}

TEST_P(FailoverNetwork, NobodyListens) {
    std::string nowhere;
    {
        const FakeUpstream gone;
        nowhere = gone.base_url();
    }
    expect_survived(nowhere);
}

TEST_P(FailoverNetwork, AConnectionThatIsNeverAccepted) {
    // A full accept queue drops further SYNs.
    const ListeningSocket full(0);
    std::vector<Wire> waiting;
    try {
        for (int i = 0; i < 8; ++i) {
            waiting.push_back(Wire::connect(full.port(), Deadline(milliseconds(300))));
        }
        FAIL() << "the accept queue never filled";
    } catch (const std::runtime_error&) {
    }
    expect_survived("http://127.0.0.1:" + std::to_string(full.port()) + "/v1");
}

TEST_P(FailoverNetwork, ACertificateForAnotherName) {
    const FakeUpstream first(server_context(authority_.issue({.names = {"DNS:other.test"}})));
    expect_survived(first.base_url("localhost"), "tls: {ca_file: ca.pem}", with_ca());
    EXPECT_EQ(count(first), 0U);
}

TEST_P(FailoverNetwork, ACertificateOfAStranger) {
    const CertificateAuthority stranger("stranger");
    const FakeUpstream first(server_context(stranger.issue()));
    expect_survived(first.base_url(), "tls: {ca_file: ca.pem}", with_ca());
    EXPECT_EQ(count(first), 0U);
}

TEST_P(FailoverNetwork, AnExpiredCertificate) {
    const FakeUpstream first(
        server_context(authority_.issue({.valid_to = std::chrono::hours(-1)})));
    expect_survived(first.base_url(), "tls: {ca_file: ca.pem}", with_ca());
    EXPECT_EQ(count(first), 0U);
}

TEST_P(FailoverNetwork, AHandshakeThatStalls) {
    FakeUpstream first(server_context(authority_.issue()));
    first.ignore_handshakes();
    expect_survived(first.base_url(), "tls: {ca_file: ca.pem}", with_ca());
}

TEST_P(FailoverNetwork, AServerWithoutTls) {
    const FakeUpstream first;
    expect_survived("https://127.0.0.1:" + std::to_string(first.port()) + "/v1");
    EXPECT_EQ(count(first), 0U);
}

TEST_P(FailoverNetwork, ACutUnderTlsBeforeTheAnswer) {
    FakeUpstream first(server_context(authority_.issue()));
    first.answer(Script().cut());
    expect_survived(first.base_url(), "tls: {ca_file: ca.pem}", with_ca());
    EXPECT_EQ(count(first), 1U);
}

TEST_P(FailoverNetwork, AllOfTheseAsEndpointsBesideAHealthyOne) {
    const CertificateAuthority stranger("stranger");
    const FakeUpstream untrusted(server_context(stranger.issue()));
    FakeUpstream good(server_context(authority_.issue()));
    sign(good, "second");
    std::string nowhere;
    {
        const FakeUpstream gone(server_context(authority_.issue()));
        nowhere = gone.base_url();
    }
    const Gateway gateway(
        routes_config(endpoints_line("up",
                                     {"https://no-such-host.invalid/v1", nowhere,
                                      untrusted.base_url(), good.base_url()},
                                     "tls: {ca_file: ca.pem}, timeouts: {connect: 2s}"),
                      "  m: {route: [{upstream: up}]}\n"),
        with_ca());
    for (int i = 0; i < 20; ++i) {
        const Response response = gateway.send(chat_request(alice_key, "m", GetParam()));
        expect_answer_of(response, "second", GetParam());
        EXPECT_LE(attempts_of(response), 4) << "none is tried twice";
    }
    EXPECT_EQ(count(good), 20U);
    EXPECT_EQ(count(untrusted), 0U);
}

INSTANTIATE_TEST_SUITE_P(Answer, FailoverNetwork, testing::Bool(), [](const auto& instance) {
    return std::string(instance.param ? "Stream" : "Json");
});

}  // namespace
}  // namespace sluicegate::support
