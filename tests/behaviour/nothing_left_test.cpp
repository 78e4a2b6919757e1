// When every upstream of a model has failed: the error that helps the client most, at once.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

std::string error_body_text(const std::string& words = "ITS WORDS") {
    return R"({"error":{"message":")" + words + R"(","type":"t","param":null,"code":"c"}})";
}

Script status(int number, const FieldText& fields = {}) {
    return Script().send(json_response(number, error_body_text(), fields));
}

class NothingLeft : public testing::Test {
protected:
    static ConfigText config(const std::vector<std::string>& urls, const std::string& options) {
        std::string upstreams;
        std::string fallback;
        for (std::size_t i = 0; i < urls.size(); ++i) {
            const std::string name = "up" + std::to_string(i);
            upstreams += upstream_line(name, urls[i], options);
            if (i > 0) fallback += (fallback.empty() ? "" : ", ") + ("{upstream: " + name) + "}";
        }
        if (!fallback.empty()) fallback = ", fallback: [" + fallback + "]";
        return routes_config(upstreams, "  m: {route: [{upstream: up0}]" + fallback + "}\n");
    }
};

TEST_F(NothingLeft, TheMostUsefulErrorIsToldWhateverTheOrder) {
    const Script quota = Script().send(json_response(
        429,
        R"({"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}})"));
    struct Row {
        std::string name;
        Script one, other;
        int status;
        std::vector<std::string> codes;
    };
    const std::vector<Row> rows{
        {"429 and 500",
         status(429, "Retry-After: 5\r\n"),
         status(500),
         429,
         {"upstream_rate_limited"}},
        {"429 and 503",
         status(429, "Retry-After: 5\r\n"),
         status(503),
         429,
         {"upstream_rate_limited"}},
        {"429 and silence",
         status(429, "Retry-After: 5\r\n"),
         Script().stall(),
         429,
         {"upstream_rate_limited"}},
        {"429 and cut",
         status(429, "Retry-After: 5\r\n"),
         Script().cut(),
         429,
         {"upstream_rate_limited"}},
        {"429 and 401",
         status(429, "Retry-After: 5\r\n"),
         status(401),
         429,
         {"upstream_rate_limited"}},
        {"503 and 500", status(503), status(500), 503, {"upstream_overloaded"}},
        {"503 and cut", status(503), Script().cut(), 503, {"upstream_overloaded"}},
        {"529 and silence", status(529), Script().stall(), 503, {"upstream_overloaded"}},
        {"503 and 401", status(503), status(401), 503, {"upstream_overloaded"}},
        {"cut and silence", Script().cut(), Script().stall(), 502, {"upstream_closed"}},
        {"garbage and silence",
         Script().send("garbage\r\n\r\n").close(),
         Script().stall(),
         502,
         {"upstream_bad_response"}},
        {"silence and silence", Script().stall(), Script().stall(), 504, {"upstream_timeout"}},
        {"cut and cut", Script().cut(), Script().cut(), 502, {"upstream_closed"}},
        {"401 and 403", status(401), status(403), 502, {"upstream_auth_error"}},
        {"quota and 402", quota, status(402), 503, {"upstream_quota_exhausted"}},
        {"503 and quota",
         status(503),
         quota,
         503,
         {"upstream_overloaded", "upstream_quota_exhausted"}},
    };
    for (const Row& row : rows) {
        for (const bool is_swapped : {false, true}) {
            for (const bool is_streaming : {false, true}) {
                SCOPED_TRACE(row.name + (is_swapped ? ", swapped" : "") +
                             (is_streaming ? ", stream" : ", JSON"));
                FakeUpstream one;
                FakeUpstream other;
                one.answer(is_swapped ? row.other : row.one);
                other.answer(is_swapped ? row.one : row.other);
                const Gateway gateway(
                    config({one.base_url(), other.base_url()}, "timeouts: {first_byte: 300ms}"));
                const Response response = gateway.send(chat_request(alice_key, "m", is_streaming));
                EXPECT_EQ(response.status, row.status) << response.body;
                EXPECT_TRUE(response.is_complete);
                EXPECT_EQ(response.field("content-type").substr(0, 16), "application/json");
                const auto body = nlohmann::json::parse(response.body, nullptr, false);
                ASSERT_TRUE(body.is_object()) << response.body;
                const std::string code = body["error"].value("code", "");
                // Of a refused credential or a spent quota they are the operator's.
                EXPECT_EQ(response.body.find("ITS WORDS") != std::string::npos,
                          code == "upstream_overloaded");
                EXPECT_NE(std::ranges::find(row.codes, code), row.codes.end()) << code;
                EXPECT_EQ(attempts_of(response), 2);
                EXPECT_EQ(response.field("x-sluicegate-upstream"), "up1") << "the last one tried";
                if (row.status == 429) {
                    EXPECT_GE(number_in(response, "retry-after-ms"), 4000);
                    EXPECT_LE(number_in(response, "retry-after-ms"), 5500);
                }
                if (code == "upstream_overloaded") {
                    EXPECT_GE(number_in(response, "retry-after"), 1);
                }
            }
        }
    }
}

TEST_F(NothingLeft, OfSeveralRefusalsTheShortestWaitIsTold) {
    std::vector<std::unique_ptr<FakeUpstream>> servers;
    std::vector<std::string> urls;
    for (const int seconds : {40, 9, 300}) {
        servers.push_back(std::make_unique<FakeUpstream>());
        servers.back()->answer(status(429, "Retry-After: " + std::to_string(seconds) + "\r\n"));
        urls.push_back(servers.back()->base_url());
    }
    const Gateway gateway(config(urls, ""));
    for (int i = 0; i < 2; ++i) {
        const Response response = gateway.chat(alice_key, "m");
        expect_error(response,
                     {.status = 429, .type = "rate_limit_error", .code = "upstream_rate_limited"});
        EXPECT_LE(number_in(response, "retry-after-ms"), 9900);
        EXPECT_GE(number_in(response, "retry-after-ms"), 5000);
        EXPECT_FALSE(response.head.has("x-should-retry")) << "9 s are worth the wait";
    }
    for (const auto& server : servers) EXPECT_EQ(count(*server), 1U);
}

TEST_F(NothingLeft, AWaitBeyondAMinuteIsNotForAnSdkToSleepThrough) {
    FakeUpstream only;
    only.answer(status(429, "Retry-After: 300\r\n"));
    const Gateway gateway(config({only.base_url()}, ""));
    for (int i = 0; i < 2; ++i) {
        const Response response = gateway.chat(alice_key, "m");
        EXPECT_EQ(response.status, 429);
        EXPECT_EQ(response.field("x-should-retry"), "false");
    }
}

TEST_F(NothingLeft, NobodyReachableIs502) {
    std::vector<std::string> urls;
    for (int i = 0; i < 3; ++i) {
        const FakeUpstream gone;
        urls.push_back(gone.base_url());
    }
    const Gateway gateway(config(urls, ""));
    const Response response = gateway.chat(alice_key, "m");
    expect_error(response, {.status = 502,
                            .type = "server_error",
                            .code = "upstream_unreachable",
                            .message = "Could not reach the upstream provider."});
    EXPECT_EQ(attempts_of(response), 3);
}

TEST_F(NothingLeft, CoolingAndFullTogetherTellOfTheWait) {
    Signal go;
    FakeUpstream cooling;
    FakeUpstream full;
    cooling.answer(status(429, "Retry-After: 20\r\n"));
    full.answer(Script().wait(go).send(signed_answer("full")));
    const Gateway gateway(routes_config(
        upstream_line("up0", cooling.base_url()) +
            upstream_line("up1", full.base_url(), "max_in_flight: 1, queue: {timeout: 200ms}"),
        "  m: {route: [{upstream: up0}], fallback: [{upstream: up1}]}\n"));
    TestClient holder = gateway.connect();
    holder.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(full.wait_for_requests(1));
    const Response response = gateway.chat(bob_key, "m");
    // A place may be free at any moment, a provider's pause is known: either says when to return.
    EXPECT_TRUE(response.status == 429 || response.status == 503) << response.status;
    EXPECT_GE(number_in(response, "retry-after"), 1);
    EXPECT_LE(number_in(response, "retry-after"), 22);
    go.raise();
    expect_answer_of(holder.read_response(), "full");
}

TEST_F(NothingLeft, ManyDeadEntriesAreGoneThroughWithinTheirDeadlines) {
    std::vector<std::unique_ptr<FakeUpstream>> servers;
    std::vector<std::string> urls;
    for (int i = 0; i < 8; ++i) {
        servers.push_back(std::make_unique<FakeUpstream>());
        servers.back()->answer(Script().stall());
        urls.push_back(servers.back()->base_url());
    }
    ConfigText text = config(urls, "timeouts: {first_byte: 200ms}");
    text.retries =
        "retries: {budget: 100%, minimum: 1000, max_attempts: 20, repeat_timeouts: true}\n";
    const Gateway gateway(text);
    const auto start = std::chrono::steady_clock::now();
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_EQ(response.status, 504);
    EXPECT_EQ(attempts_of(response), 8);
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(8 * 200 + 3000));
    for (const auto& server : servers) {
        EXPECT_EQ(count(*server), 1U);
        EXPECT_TRUE(server->wait_for_peer_close(0));
    }
}

TEST_F(NothingLeft, NoMoreAttemptsThanTheDefaultAllows) {
    std::vector<std::unique_ptr<FakeUpstream>> servers;
    std::vector<std::string> urls;
    for (int i = 0; i < 8; ++i) {
        servers.push_back(std::make_unique<FakeUpstream>());
        // The same words twice would end the attempts.
        servers.back()->answer(
            Script().send(json_response(500, error_body_text("words " + std::to_string(i)))));
        urls.push_back(servers.back()->base_url());
    }
    const Gateway gateway(config(urls, ""));
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_GE(response.status, 500);
    EXPECT_EQ(attempts_of(response), 5);
    std::size_t asked = 0;
    for (const auto& server : servers) asked += count(*server);
    EXPECT_EQ(asked, 5U);
}

}  // namespace
}  // namespace sluicegate::support
