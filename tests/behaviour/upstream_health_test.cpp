// Servers that fail are left alone for a while and come back by themselves; nothing that one user
// does, and no stray failure, takes one away from the others.
#include "behaviour/routes.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

using Clock = std::chrono::steady_clock;

class UpstreamHealth : public testing::Test {
protected:
    UpstreamHealth() {
        sign(first_, "first");
        sign(second_, "second");
    }
    ConfigText config(const std::string& options = {}) {
        return routes_config(upstream_line("first", first_.base_url(), options) +
                                 upstream_line("second", second_.base_url()),
                             "  m: {route: [{upstream: first}], fallback: [{upstream: second}]}\n");
    }
    ConfigText one_of_two_servers(const std::string& options) {
        return routes_config(
            endpoints_line("pair", {first_.base_url(), second_.base_url()}, options),
            "  m: {route: [{upstream: pair}]}\n");
    }
    ConfigText alone(const std::string& options) {
        return routes_config(upstream_line("first", first_.base_url(), options),
                             "  m: {route: [{upstream: first}]}\n");
    }
    static bool is_of(const Response& response, std::string_view text) {
        return response.body.find("\"" + std::string(text) + "\"") != std::string::npos;
    }
    /// Asks until the answer is the first's.
    static bool first_returns(const Gateway& gateway) {
        return eventually([&] { return is_of(gateway.chat(alice_key, "m"), "first"); });
    }

    FakeUpstream first_;
    FakeUpstream second_;
};

TEST_F(UpstreamHealth, WhoCannotBeReachedIsLeftAlone) {
    const CertificateAuthority authority;
    const CertificateAuthority stranger("stranger");
    // Handshakes that fail can be counted; connections that are refused cannot.
    const FakeUpstream untrusted(server_context(stranger.issue()));
    DaemonOptions files;
    files.files = {{"ca.pem", authority.certificate()}};
    ConfigText text = config();
    text.upstreams =
        upstream_line("first", untrusted.base_url(),
                      "tls: {ca_file: ca.pem}, breaker: {connect_failures: 3, open_for: 60s}") +
        upstream_line("second", second_.base_url());
    const Gateway gateway(text, files);
    for (int i = 0; i < 20; ++i) {
        const Response response = gateway.chat(alice_key, "m");
        expect_answer_of(response, "second");
        EXPECT_EQ(attempts_of(response), i < 3 ? 2 : 1) << "request " << i;
    }
    EXPECT_EQ(untrusted.connections().size(), 3U);
}

TEST_F(UpstreamHealth, AfterAWhileOneRequestProbesIt) {
    const CertificateAuthority authority;
    const CertificateAuthority stranger("stranger");
    const FakeUpstream untrusted(server_context(stranger.issue()));
    DaemonOptions files;
    files.files = {{"ca.pem", authority.certificate()}};
    ConfigText text = config();
    text.upstreams = upstream_line("first", untrusted.base_url(),
                                   "tls: {ca_file: ca.pem}, breaker: {connect_failures: 2,"
                                   " open_for: 700ms, open_max: 60s}") +
                     upstream_line("second", second_.base_url());
    const Gateway gateway(text, files);
    for (int i = 0; i < 2; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    const auto opened = Clock::now();
    EXPECT_EQ(untrusted.connections().size(), 2U);
    EXPECT_TRUE(eventually([&] {
        expect_answer_of(gateway.chat(alice_key, "m"), "second");
        return untrusted.connections().size() == 3U;
    }));
    EXPECT_GE(Clock::now() - opened, milliseconds(600));
    // The probe failed: it stays away, for longer than before.
    const auto probed = Clock::now();
    EXPECT_TRUE(eventually([&] {
        expect_answer_of(gateway.chat(alice_key, "m"), "second");
        return untrusted.connections().size() == 4U;
    }));
    EXPECT_GE(Clock::now() - probed, milliseconds(1000)) << "the pause is doubled";
}

TEST_F(UpstreamHealth, OneProbeAtATime) {
    const ConfigText text = config(
        "breaker: {connect_failures: 2, open_for: 500ms},"
        " timeouts: {first_byte: 10s}");
    const Gateway gateway(text);
    first_.refuse_connections();
    for (int i = 0; i < 3; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    Signal go;
    first_.answer(Script().wait(go).send(signed_answer("first")));
    first_.accept_connections();
    let_time_pass(milliseconds(700));
    std::vector<TestClient> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(gateway.connect());
        clients.back().send(chat_request(alice_key, "m"));
    }
    int from_second = 0;
    ASSERT_TRUE(first_.wait_for_requests(1));
    EXPECT_TRUE(second_.wait_for_requests(3 + 7));
    EXPECT_EQ(count(first_), 1U) << "the others do not wait for the outcome";
    go.raise();
    for (TestClient& client : clients) {
        const Response response = client.read_response();
        EXPECT_EQ(response.status, 200);
        from_second += is_of(response, "second") ? 1 : 0;
    }
    EXPECT_EQ(from_second, 7);
    EXPECT_TRUE(first_returns(gateway));
}

TEST_F(UpstreamHealth, ADeadServerOfTwoIsLeftAndReturnsByItself) {
    const Gateway gateway(
        one_of_two_servers("breaker: {connect_failures: 3, open_for: 300ms, open_max: 300ms}"));
    for (int round = 0; round < 2; ++round) {
        first_.refuse_connections();
        // Connections that it kept are gone with it.
        first_.answer(Script().cut());
        for (int i = 0; i < 30; ++i) {
            expect_answer_of(gateway.chat(alice_key, "m"), "second");
        }
        sign(first_, "first");
        first_.accept_connections();
        EXPECT_TRUE(first_returns(gateway)) << "round " << round;
    }
}

TEST_F(UpstreamHealth, AShareOfFailuresOpensIt) {
    const Gateway gateway(config(
        "breaker: {window: 10s, min_requests: 10, error_rate: 50%, open_for: 1s, open_max: 1s}"));
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 40; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    const std::size_t asked = count(first_);
    EXPECT_GE(asked, 10U) << "not before enough requests were seen";
    EXPECT_LE(asked, 13U);
    sign(first_, "first");
    EXPECT_TRUE(first_returns(gateway));
    for (int i = 0; i < 10; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "first");
}

TEST_F(UpstreamHealth, FewerFailuresThanTheShareLeaveItInPlace) {
    const Gateway gateway(config("breaker: {min_requests: 10, error_rate: 50%, open_for: 60s}"));
    std::atomic<int> number{0};
    first_.answer_with([&](const ReceivedRequest&) {
        return Script().send(number++ % 3 == 0 ? json_response(500, "{}") : signed_answer("first"));
    });
    for (int i = 0; i < 60; ++i) EXPECT_EQ(gateway.chat(alice_key, "m").status, 200);
    EXPECT_EQ(count(first_), 60U);
}

TEST_F(UpstreamHealth, TimeoutsCutsAndNonsenseCountAsFailures) {
    struct Row {
        std::string name;
        Script script;
        bool is_streaming = false;
    };
    const std::vector<Row> rows{
        {"silence", Script().stall()},
        {"cut", Script().cut()},
        {"garbage", Script().send("garbage\r\n\r\n").close()},
        {"a stream cut after its first event",
         Script().send(sse_head() + chunk(chat_event("one"))).cut(), true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Gateway gateway(
            config("timeouts: {first_byte: 200ms}, breaker: {min_requests: 5,"
                   " error_rate: 50%, open_for: 60s}"));
        const std::size_t before = count(first_);
        first_.answer(row.script);
        for (int i = 0; i < 20; ++i) {
            static_cast<void>(gateway.send(chat_request(alice_key, "m", row.is_streaming)));
        }
        EXPECT_GE(count(first_), before + 5);
        EXPECT_LE(count(first_), before + 8);
    }
}

TEST_F(UpstreamHealth, WhatOneUserDoesWrongHarmsNobody) {
    const Gateway gateway(config("breaker: {min_requests: 5, error_rate: 20%, open_for: 60s}"));
    first_.answer_with([](const ReceivedRequest& request) {
        if (request.body.find("wrong") == std::string::npos) {
            return Script().send(signed_answer("first"));
        }
        const int status = request.body.find("404") != std::string::npos ? 404 : 400;
        return Script().send(json_response(
            status, R"({"error":{"message":"x","type":"t","param":null,"code":"no_such_file"}})"));
    });
    for (int i = 0; i < 60; ++i) {
        const std::string body = R"({"model":"m","messages":[{"role":"user","content":"wrong )" +
                                 std::string(i % 2 == 0 ? "404" : "400") + "\"}]}";
        EXPECT_GE(gateway.send(post_json("/v1/chat/completions", alice_key, body)).status, 400);
    }
    for (int i = 0; i < 10; ++i) expect_answer_of(gateway.chat(bob_key, "m"), "first");
    EXPECT_EQ(count(second_), 0U);
}

TEST_F(UpstreamHealth, AModelNameThatClientsInventHarmsNobody) {
    const Gateway gateway(config("breaker: {min_requests: 5, error_rate: 20%, open_for: 60s}"));
    for (int i = 0; i < 30; ++i) EXPECT_EQ(gateway.chat(alice_key, "invented").status, 404);
    EXPECT_EQ(count(first_) + count(second_), 0U);
    expect_answer_of(gateway.chat(bob_key, "m"), "first");
}

TEST_F(UpstreamHealth, AModelThatAnUpstreamDoesNotHaveLeavesItsOtherModels) {
    ConfigText text = config("breaker: {min_requests: 5, error_rate: 20%, open_for: 60s}");
    text.models +=
        "  missing: {route: [{upstream: first, model: missing}], fallback: [{upstream: second}]}\n";
    const Gateway gateway(text);
    first_.answer_with([](const ReceivedRequest& request) {
        if (request.body.find("missing") == std::string::npos) {
            return Script().send(signed_answer("first"));
        }
        return Script().send(json_response(
            404, R"({"error":{"message":"x","type":"t","param":null,"code":"model_not_found"}})"));
    });
    for (int i = 0; i < 30; ++i) {
        static_cast<void>(gateway.chat(alice_key, "missing"));
    }
    for (int i = 0; i < 10; ++i) expect_answer_of(gateway.chat(bob_key, "m"), "first");
}

TEST_F(UpstreamHealth, WhatAProviderForbidsOneUserHarmsNobody) {
    const Gateway gateway(config("breaker: {min_requests: 5, error_rate: 20%, open_for: 60s}"));
    first_.answer_with([](const ReceivedRequest& request) {
        const bool is_flagged = request.body.find("flagged") != std::string::npos;
        return Script().send(is_flagged ? json_response(403, R"({"error":{"message":"flagged"}})")
                                        : signed_answer("first"));
    });
    const std::string flagged = R"({"model":"m","messages":[{"role":"user","content":"flagged"}]})";
    for (int i = 0; i < 30; ++i) {
        static_cast<void>(gateway.send(post_json("/v1/chat/completions", alice_key, flagged)));
    }
    for (int i = 0; i < 10; ++i) expect_answer_of(gateway.chat(bob_key, "m"), "first");
}

TEST_F(UpstreamHealth, ClientsThatLeaveHarmNobody) {
    const Gateway gateway(config("breaker: {min_requests: 5, error_rate: 20%, open_for: 60s}"));
    for (int i = 0; i < 15; ++i) {
        first_.answer_next(Script().send(sse_head() + chunk(chat_event("one"))).stall());
        TestClient client = gateway.connect();
        client.send(chat_request(alice_key, "m", true));
        ASSERT_EQ(client.read_head().status, 200);
        client.wire().reset();
    }
    for (int i = 0; i < 10; ++i) expect_answer_of(gateway.chat(bob_key, "m"), "first");
    EXPECT_EQ(count(second_), 0U);
}

TEST_F(UpstreamHealth, AStray503BansNothing) {
    const Gateway gateway(config("breaker: {min_requests: 3, error_rate: 50%, open_for: 60s}"));
    for (int round = 0; round < 5; ++round) {
        first_.answer_next(Script().send(json_response(503, "{}")));
        expect_answer_of(gateway.chat(alice_key, "m"), "second");
        for (int i = 0; i < 5; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "first");
    }
}

TEST_F(UpstreamHealth, A503ThatNamesATimeIsAPauseUntilThen) {
    const Gateway gateway(config());
    first_.answer_next(Script().send(json_response(503, "{}", "retry-after-ms: 800\r\n")));
    const auto start = Clock::now();
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    while (Clock::now() - start < milliseconds(400)) {
        expect_answer_of(gateway.chat(alice_key, "m"), "second");
    }
    EXPECT_EQ(count(first_), 1U);
    EXPECT_TRUE(first_returns(gateway));
}

TEST_F(UpstreamHealth, TheLastOneIsAlwaysTried) {
    const Gateway gateway(
        alone("breaker: {connect_failures: 2, min_requests: 3, error_rate: 50%,"
              " open_for: 60s}, timeouts: {first_byte: 1s}"));
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 20; ++i) {
        const Response response = gateway.chat(alice_key, "m");
        EXPECT_EQ(attempts_of(response), 1);
        EXPECT_GE(response.status, 500);
    }
    EXPECT_EQ(count(first_), 20U) << "there is nothing to lose by asking";
    sign(first_, "first");
    expect_answer_of(gateway.chat(alice_key, "m"), "first");
}

TEST_F(UpstreamHealth, WhenAllAreUnhealthyAllAreTried) {
    const Gateway gateway(
        config("breaker: {connect_failures: 2, min_requests: 3, error_rate: 50%,"
               " open_for: 60s}"));
    first_.answer(Script().send(json_response(500, "{}")));
    second_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 30; ++i) {
        EXPECT_GE(gateway.chat(alice_key, "m").status, 500);
    }
    sign(first_, "first");
    const Response response = gateway.chat(alice_key, "m");
    expect_answer_of(response, "first");
}

TEST_F(UpstreamHealth, OfOneServerIsNotThatOfItsNeighbour) {
    const Gateway gateway(
        one_of_two_servers("breaker: {min_requests: 5, error_rate: 50%, open_for: 60s}"));
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 60; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    EXPECT_LE(count(first_), 10U);
    EXPECT_GE(count(first_), 3U);
}

TEST_F(UpstreamHealth, SurvivesAReload) {
    const ConfigText text = config("breaker: {min_requests: 5, error_rate: 50%, open_for: 60s}");
    Gateway gateway(text);
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 20; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    const std::size_t asked = count(first_);
    gateway.daemon().reload(text.text());
    for (int i = 0; i < 20; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    EXPECT_EQ(count(first_), asked);
}

TEST_F(UpstreamHealth, IsToldInTheLogWithTheReasonBothWays) {
    Gateway gateway(config("breaker: {min_requests: 5, error_rate: 50%, open_for: 300ms}"));
    const auto told = [&](const std::string& state) {
        return gateway.daemon().wait_for_log([&](const nlohmann::json& entry) {
            return entry.value("event", "") == "upstream_state" &&
                   entry.value("upstream", "") == "first" && entry.value("state", "") == state;
        });
    };
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 10; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    const auto left = told("open");
    ASSERT_TRUE(left);
    EXPECT_EQ(left->value("endpoint", ""), first_.base_url());
    EXPECT_EQ(left->value("reason", "").find("5 of 5 requests failed"), 0U) << *left;
    EXPECT_EQ(left->dump().find(upstream_key), std::string::npos);
    sign(first_, "first");
    ASSERT_TRUE(first_returns(gateway));
    const auto back = told("healthy");
    ASSERT_TRUE(back) << gateway.daemon().log();
    EXPECT_NE(back->value("reason", ""), "");
}

TEST_F(UpstreamHealth, IsShownOnStatusWithTheReason) {
    const Gateway gateway(config("breaker: {min_requests: 5, error_rate: 50%, open_for: 60s}"));
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 10; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    const nlohmann::json status = nlohmann::json::parse(gateway.admin("/status").body);
    ASSERT_EQ(status["upstreams"].size(), 2U) << status;
    for (const nlohmann::json& upstream : status["upstreams"]) {
        const nlohmann::json endpoints = upstream.value("endpoints", nlohmann::json::array());
        ASSERT_EQ(endpoints.size(), 1U) << upstream;
        const nlohmann::json& endpoint = endpoints[0];
        const bool is_first = upstream["name"] == "first";
        EXPECT_EQ(endpoint.value("state", ""), is_first ? "open" : "healthy") << endpoint;
        EXPECT_EQ(endpoint.dump().find("requests failed") != std::string::npos, is_first);
    }
}

TEST_F(UpstreamHealth, ReadinessNeedsOneHealthyUpstream) {
    const Gateway gateway(config("breaker: {min_requests: 3, error_rate: 50%, open_for: 60s}"));
    EXPECT_EQ(gateway.admin("/readyz").status, 200);
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 10; ++i) static_cast<void>(gateway.chat(alice_key, "m"));
    EXPECT_EQ(gateway.admin("/readyz").status, 200) << "the second is well";

    const Gateway single(alone("breaker: {min_requests: 3, error_rate: 50%, open_for: 60s}"));
    EXPECT_EQ(single.admin("/readyz").status, 200);
    for (int i = 0; i < 10; ++i) static_cast<void>(single.chat(alice_key, "m"));
    EXPECT_EQ(single.admin("/readyz").status, 503);
    EXPECT_EQ(single.admin("/livez").status, 200);
    sign(first_, "first");
    EXPECT_TRUE(eventually([&] {
        static_cast<void>(single.chat(alice_key, "m"));
        return single.admin("/readyz").status == 200;
    }));
}

}  // namespace
}  // namespace sluicegate::support
