// Requests in flight: refused beyond the limit, and released on every way out (law L8).
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

ConfigText concurrency_config(const std::string& base_url, const std::string& options = {}) {
    ConfigText text(base_url, options);
    text.models +=
        "  single: {limits: {concurrency: 1}, route: [{upstream: up}]}\n"
        "  pair: {limits: {concurrency: 2}, route: [{upstream: up}]}\n"
        "  closed: {limits: {concurrency: 0}, route: [{upstream: up}]}\n"
        "  both: {limits: {concurrency: 1, rpm: 2}, route: [{upstream: up}]}\n";
    return text;
}

class Concurrency : public testing::Test {
protected:
    // Signals outlive the upstream that waits for them.
    Signal go_;
    Signal never_;
    FakeUpstream upstream_;
    Gateway gateway_{concurrency_config(
        upstream_.base_url(), "timeouts: {first_byte: 1s, between_bytes: 500ms, total: 2s}")};

    /// True as soon as the one place is free again, and it can be taken.
    [[nodiscard]] bool is_released() {
        const auto is_free = [&] {
            const Response page = gateway_.admin("/status?user=alice&model=single");
            const nlohmann::json status = nlohmann::json::parse(page.body, nullptr, false);
            return status.at("limits").at(0).at("limits").at("concurrency").at("used") == 0;
        };
        return eventually(is_free) && gateway_.chat(alice_key, "single").status == 200 &&
               eventually(is_free);
    }
};

TEST_F(Concurrency, RefusesBeyondTheLimitAndSaysSo) {
    upstream_.answer_next(Script().wait(go_).send(chat_answer()));
    TestClient holder = gateway_.connect();
    holder.send(chat_request(alice_key, "single"));
    ASSERT_TRUE(upstream_.wait_for_requests(1));

    for (const std::string_view key : {alice_key, alice_second_key}) {
        const Response refused = gateway_.chat(key, "single");
        expect_rate_limited(refused, "concurrency");
        EXPECT_EQ(refused.field("retry-after"), "1");
        EXPECT_GE(number_in(refused, "retry-after-ms"), 250);
        EXPECT_LE(number_in(refused, "retry-after-ms"), 1000);
        EXPECT_FALSE(refused.head.has("x-should-retry"));
        EXPECT_EQ(refused.field("x-ratelimit-limit-concurrency"), "1");
        EXPECT_EQ(refused.field("x-ratelimit-remaining-concurrency"), "0");
    }
    EXPECT_EQ(upstream_.requests().size(), 1U);
    expect_success(gateway_.chat(bob_key, "single"));
    expect_success(gateway_.chat(alice_key, "pair"));

    go_.raise();
    expect_success(holder.read_response());
    EXPECT_TRUE(is_released());
}

TEST_F(Concurrency, CountsStreamsUntilTheirEnd) {
    upstream_.answer_next(Script()
                              .send(sse_head() + chunk(chat_event("one")))
                              .wait(go_)
                              .send(chunk(done_event) + chunk("")));
    TestClient holder = gateway_.connect();
    holder.send(chat_request(alice_key, "single", true));
    ASSERT_TRUE(holder.read_head().status == 200 && holder.read_until("one"));
    expect_rate_limited(gateway_.chat(alice_key, "single"), "concurrency");
    go_.raise();
    expect_success(holder.read_rest());
    EXPECT_TRUE(is_released());
}

TEST_F(Concurrency, ZeroForbidsForGood) {
    const Response response = gateway_.chat(alice_key, "closed");
    expect_rate_limited(response, "concurrency");
    EXPECT_EQ(response.field("x-should-retry"), "false");
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(Concurrency, ARefusalBurnsNoRequestOfTheMinute) {
    upstream_.answer_next(Script().wait(go_).send(chat_answer()));
    TestClient holder = gateway_.connect();
    holder.send(chat_request(alice_key, "both"));
    ASSERT_TRUE(upstream_.wait_for_requests(1));
    for (int i = 0; i < 5; ++i) {
        expect_rate_limited(gateway_.chat(alice_key, "both"), "concurrency");
    }
    go_.raise();
    expect_success(holder.read_response());
    EXPECT_TRUE(eventually([&] { return gateway_.chat(alice_key, "both").status == 200; }));
    expect_rate_limited(gateway_.chat(alice_key, "both"), "rpm");
}

TEST_F(Concurrency, IsReleasedWhateverTheUpstreamDoes) {
    const std::string json =
        response_head(200, "Content-Type: application/json\r\nContent-Length: 100\r\n");
    struct Row {
        std::string name;
        Script script;
        bool is_streaming = false;
    };
    const std::vector<Row> rows{
        {"a good answer", Script().send(chat_answer())},
        {"a good stream",
         Script().send(sse_head() + chunk(chat_event("a") + std::string(done_event)) + chunk("")),
         true},
        {"no content", Script().send(response_head(204, ""))},
        {"400", Script().send(json_response(400, "{}"))},
        {"429", Script().send(json_response(429, "{}"))},
        {"500", Script().send(json_response(500, "{}"))},
        {"closed before the head", Script().cut()},
        {"reset before the head", Script().reset()},
        {"garbage", Script().send("no http at all\r\n\r\n").close()},
        {"half a head", Script().send("HTTP/1.1 200 OK\r\nCont").cut()},
        {"short JSON", Script().send(json + "{").cut()},
        {"a JSON answer to a stream", Script().send(chat_answer()), true},
        {"an error as the first event",
         Script().send(sse_head() + chunk("data: {\"error\":{\"message\":\"x\"}}\n\n") + chunk("")),
         true},
        {"a stream cut in an event",
         Script().send(sse_head() + chunk(chat_event("a")) + "40\r\ndata: {").cut(), true},
        {"a stream reset", Script().send(sse_head() + chunk(chat_event("a"))).reset(), true},
        {"a stream without [DONE]", Script().send(sse_head() + chunk(chat_event("a")) + chunk("")),
         true},
        {"broken chunks", Script().send(sse_head() + chunk(chat_event("a")) + "zz\r\n").cut(),
         true},
        {"silence before the head", Script().wait(never_)},
        {"silence in JSON", Script().send(json + "{").wait(never_)},
        {"silence in a stream", Script().send(sse_head() + chunk(chat_event("a"))).wait(never_),
         true},
        {"a stream longer than the total",
         Script().send(sse_head()).repeat(chunk(chat_event("a")), milliseconds(50)), true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        upstream_.answer_next(row.script);
        const Response response =
            gateway_.send(chat_request(alice_key, "single", row.is_streaming));
        EXPECT_NE(response.status, 0);
        ASSERT_TRUE(is_released());
    }
}

TEST_F(Concurrency, IsReleasedWhenTheClientLeavesInAnyPhase) {
    struct Row {
        std::string name;
        Script script;
        bool is_streaming = false;
        std::string until{};  ///< what the client reads before it leaves
    };
    const std::vector<Row> rows{
        {"before the head", Script().wait(never_)},
        {"in the head", Script().send("HTTP/1.1 200 OK\r\nConte").wait(never_)},
        {"in plain JSON",
         Script()
             .send(response_head(200, "Content-Type: application/json\r\nContent-Length: 9\r\n") +
                   "{\"a\"")
             .wait(never_)},
        {"before the first event", Script().send(sse_head()).wait(never_), true},
        {"after an event", Script().send(sse_head() + chunk(chat_event("one"))).wait(never_), true,
         "one"},
        {"while events flow",
         Script().send(sse_head()).repeat(chunk(chat_event("one")), milliseconds(2)), true, "one"},
        {"while the client does not read",
         Script().send(sse_head()).repeat(chunk(chat_event("one"))), true},
    };
    for (const Row& row : rows) {
        for (const bool by_reset : {false, true}) {
            SCOPED_TRACE(row.name + (by_reset ? ", RST" : ", FIN"));
            const std::size_t before = upstream_.requests().size();
            upstream_.answer_next(row.script);
            {
                TestClient client = gateway_.connect(4096);
                client.send(chat_request(alice_key, "single", row.is_streaming));
                ASSERT_TRUE(upstream_.wait_for_requests(before + 1));
                if (!row.until.empty()) {
                    static_cast<void>(client.read_head());
                    ASSERT_TRUE(client.read_until(row.until));
                }
                by_reset ? client.wire().reset() : client.wire().close();
            }
            ASSERT_TRUE(is_released());
        }
    }
}

TEST_F(Concurrency, IsReleasedWhenTheClientLeavesDuringItsUpload) {
    const std::string bytes = chat_request(alice_key, "single");
    for (const std::size_t missing : {std::size_t{1}, std::size_t{20}, bytes.size() - 1}) {
        TestClient client = gateway_.connect();
        client.send(std::string_view(bytes).substr(0, bytes.size() - missing));
        client.wire().reset();
    }
    EXPECT_TRUE(is_released());
}

TEST(ConcurrencyRelease, AfterAConnectionThatWasRefused) {
    std::string nowhere;
    {
        const FakeUpstream gone;
        nowhere = gone.base_url();
    }
    const Gateway gateway{concurrency_config(nowhere)};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(gateway.chat(alice_key, "single").status, 502);
}

TEST(ConcurrencyRelease, AfterAHandshakeThatFailed) {
    const CertificateAuthority stranger;
    const FakeUpstream upstream(server_context(stranger.issue()));
    const Gateway gateway{concurrency_config(upstream.base_url())};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(gateway.chat(alice_key, "single").status, 502);
}

TEST(ConcurrencyRelease, APlaceIsFreeOnEveryConnectionOnceItsAnswerIsComplete) {
    FakeUpstream upstream;
    const Gateway gateway{concurrency_config(upstream.base_url())};
    TestClient one = gateway.connect();
    TestClient two = gateway.connect();
    int refused = 0;
    for (int i = 0; i < 5000; ++i) {
        TestClient& client = i % 2 == 0 ? one : two;
        client.send(chat_request(alice_key, "single"));
        refused += client.read_response().status == 429 ? 1 : 0;
    }
    EXPECT_EQ(refused, 0) << "the client had read the whole answer before it asked again";
}

TEST(ConcurrencyRelease, AThousandShortStreamsLeaveNothingInFlight) {
    const std::string events = chat_event("a") + std::string(done_event);
    FakeUpstream upstream;
    upstream.answer(Script().send(sse_head() + chunk(events) + chunk("")));
    const Gateway gateway{concurrency_config(upstream.base_url())};
    TestClient client = gateway.connect();
    for (int i = 0; i < 1000; ++i) {
        client.send(chat_request(alice_key, "single", true));
        const Response response = client.read_response();
        ASSERT_EQ(response.status, 200)
            << "request " << i << ": a place is free as soon as its answer is complete";
    }
}

}  // namespace
}  // namespace sluicegate::support
