// A client that leaves: its upstream request is stopped at once (`cancel`), or read on for its
// usage for a bounded time (`drain`), and what it had reserved is settled with the best figure
// known.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

using Clock = std::chrono::steady_clock;

/// The promise is 100 ms. The rest is for a machine that runs many tests at once, and for the fake
/// upstream, which looks every few milliseconds.
constexpr milliseconds promised{100};
constexpr milliseconds scheduling{900};

class Departure : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.upstreams += upstream_line("drained", upstream.base_url(),
                                        "on_client_disconnect: drain, drain_timeout: 60s") +
                          upstream_line("briefly", upstream.base_url(),
                                        "on_client_disconnect: drain, drain_timeout: 700ms");
        text.models +=
            "  cancel: {limits: {tpm: 100000, concurrency: 2}, route: [{upstream: up}]}\n"
            "  drain: {limits: {tpm: 100000, concurrency: 2}, route: [{upstream: drained}]}\n"
            "  brief: {limits: {tpm: 100000, concurrency: 2}, route: [{upstream: briefly}]}\n";
        return text;
    }
    std::int64_t left_on(const std::string& model) {
        upstream_.answer_next(Script().send(json_response(400, R"({"error":{"message":"x"}})")));
        const Response response = gateway_.send(capped_chat(alice_key, model, 100));
        EXPECT_EQ(response.status, 400) << response.body;
        return tokens_left(response);
    }
    /// Starts a request, reads until `until`, and leaves.
    Clock::time_point leave(const std::string& model, const Script& script, bool is_streaming,
                            const std::string& until, bool by_reset) {
        const std::size_t before = upstream_.requests().size();
        upstream_.answer_next(script);
        TestClient client = gateway_.connect();
        client.send(capped_chat(alice_key, model, 5000, is_streaming));
        EXPECT_TRUE(upstream_.wait_for_requests(before + 1));
        if (!until.empty()) {
            static_cast<void>(client.read_head());
            EXPECT_TRUE(client.read_until(until));
        }
        const Clock::time_point now = Clock::now();
        by_reset ? client.wire().reset() : client.wire().close();
        return now;
    }
    [[nodiscard]] std::size_t last_connection() const {
        return static_cast<std::size_t>(upstream_.requests().back().connection);
    }

    // Signals outlive the upstream that waits for them.
    Signal go_;
    Signal never_;
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};
    const std::string end_ = chunk(usage_event(1000, 2000) + std::string(done_event)) + chunk("");
};

struct Phase {
    std::string name;
    std::string sent;  ///< what the upstream has answered when the client leaves
    bool is_streaming;
    std::string until;
};

std::vector<Phase> phases() {
    const std::string json =
        response_head(200, "Content-Type: application/json\r\nContent-Length: 100\r\n");
    return {{"before the head", "", true, ""},
            {"before the head, no stream", "", false, ""},
            {"in the head", "HTTP/1.1 200 OK\r\nConte", true, ""},
            {"after the head", sse_head(), true, ""},
            {"after an event", sse_head() + chunk(chat_event("one")), true, "one"},
            {"in an event", sse_head() + chunk(chat_event("one")) + "50\r\ndata: {", true, "one"},
            {"in plain JSON", json + "{\"a\":", false, ""}};
}

TEST_F(Departure, CancelClosesTheUpstreamWithin100Ms) {
    for (const Phase& phase : phases()) {
        for (const bool by_reset : {false, true}) {
            SCOPED_TRACE(phase.name + (by_reset ? ", RST" : ", FIN"));
            Script script;
            if (!phase.sent.empty()) script.send(phase.sent);
            const Clock::time_point left =
                leave("cancel", script.wait(never_), phase.is_streaming, phase.until, by_reset);
            const std::size_t connection = last_connection();
            ASSERT_TRUE(upstream_.wait_for_peer_close(connection));
            EXPECT_LE(upstream_.connections()[connection].closed - left, promised + scheduling);
        }
    }
    EXPECT_TRUE(eventually([&] { return left_on("cancel") > 80'000; }))
        << "no user pays 5000 for each of them";
}

TEST_F(Departure, CancelTypicallyTakesNoLongerThanPromised) {
    // One departure may meet a busy machine; the quickest of many shows what the gateway takes.
    Clock::duration quickest = scheduling;
    for (int i = 0; i < 10; ++i) {
        const Clock::time_point left =
            leave("cancel", Script().send(sse_head() + chunk(chat_event("one"))).wait(never_), true,
                  "one", false);
        const std::size_t connection = last_connection();
        ASSERT_TRUE(upstream_.wait_for_peer_close(connection));
        quickest =
            std::min<Clock::duration>(quickest, upstream_.connections()[connection].closed - left);
    }
    EXPECT_LE(quickest, promised);
}

TEST_F(Departure, CancelClosesAHandshakeThatHangsToo) {
    const CertificateAuthority authority;
    FakeUpstream upstream(server_context(authority.issue()));
    upstream.ignore_handshakes();
    for (const std::string policy : {"cancel", "drain"}) {
        SCOPED_TRACE(policy);
        const Gateway gateway{ConfigText(
            upstream.base_url(), "timeouts: {connect: 60s}, on_client_disconnect: " + policy)};
        const std::size_t connection = upstream.connections().size();
        TestClient client = gateway.connect();
        client.send(chat_request(alice_key, "m", true));
        ASSERT_TRUE(upstream.wait_for_connections(connection + 1));
        const Clock::time_point left = Clock::now();
        client.wire().close();
        ASSERT_TRUE(upstream.wait_for_peer_close(connection))
            << "nothing was sent, so there is no usage to wait for";
        EXPECT_LE(upstream.connections()[connection].closed - left, promised + scheduling);
    }
}

TEST_F(Departure, DrainReadsAStreamToItsEndAndChargesWhatItReports) {
    const std::int64_t first = left_on("drain");
    leave("drain",
          Script()
              .send(sse_head() + chunk(chat_event("one")))
              .wait(go_)
              .send(chunk(chat_event("two")) + end_),
          true, "one", true);
    const std::size_t connection = last_connection();
    let_time_pass(milliseconds(400));
    EXPECT_FALSE(upstream_.connections()[connection].peer_closed) << "it is read on";
    go_.raise();
    EXPECT_TRUE(eventually([&] { return left_on("drain") == first - 3000; }))
        << "charged: " << first - left_on("drain");
    EXPECT_TRUE(gateway_.daemon().wait_for_log([](const nlohmann::json& line) {
        return line.value("outcome", "") == "client_gone" &&
               line.value("usage_source", "") == "reported" &&
               line.value("settled_tokens", 0) == 3000;
    })) << gateway_.daemon().log();
}

TEST_F(Departure, DrainReadsAPlainAnswerToo) {
    const std::int64_t first = left_on("drain");
    leave("drain", Script().wait(go_).send(chat_answer(100, 200)), false, "", false);
    let_time_pass(milliseconds(400));
    EXPECT_FALSE(upstream_.connections()[last_connection()].peer_closed);
    go_.raise();
    EXPECT_TRUE(eventually([&] { return left_on("drain") == first - 300; }))
        << "charged: " << first - left_on("drain");
}

TEST_F(Departure, ADrainedRequestStillCountsAsInFlight) {
    leave("drain", Script().send(sse_head() + chunk(chat_event("one"))).wait(go_).send(end_), true,
          "one", false);
    leave("drain", Script().send(sse_head() + chunk(chat_event("one"))).wait(go_).send(end_), true,
          "one", false);
    expect_rate_limited(gateway_.chat(alice_key, "drain"), "concurrency");
    go_.raise();
    EXPECT_TRUE(eventually([&] { return gateway_.chat(alice_key, "drain").status == 200; }));
}

TEST_F(Departure, DrainGivesUpAfterItsTime) {
    const std::int64_t first = left_on("brief");
    const Clock::time_point left =
        leave("brief", Script().send(sse_head()).repeat(chunk(chat_event("one")), milliseconds(20)),
              true, "one", false);
    const std::size_t connection = last_connection();
    ASSERT_TRUE(upstream_.wait_for_peer_close(connection));
    EXPECT_GE(upstream_.connections()[connection].closed - left, milliseconds(600));
    EXPECT_TRUE(eventually([&] { return left_on("brief") > first - 4000; }))
        << "charged for what was counted, not for what was reserved";
    EXPECT_LT(left_on("brief"), first);
}

TEST_F(Departure, ADrainThatTheUpstreamCutsIsSettledWithWhatWasCounted) {
    const std::int64_t first = left_on("drain");
    leave("drain", Script().send(sse_head() + chunk(chat_event("one"))).wait(go_).cut(), true,
          "one", false);
    go_.raise();
    EXPECT_TRUE(eventually([&] { return left_on("drain") > first - 1000; }));
}

TEST_F(Departure, AContinuousReportIsTheBestFigureOfACancelledStream) {
    ConfigText text(upstream_.base_url(), "continuous_usage_stats: true");
    text.models += "  counted: {limits: {tpm: 100000}, route: [{upstream: up}]}\n";
    const Gateway gateway(text);
    const auto left = [&] {
        upstream_.answer_next(Script().send(json_response(400, R"({"error":{"message":"x"}})")));
        return tokens_left(gateway.send(capped_chat(alice_key, "counted", 100)));
    };
    const std::int64_t first = left();
    std::string event = chat_event("one");
    event.insert(event.size() - 3, R"(,"usage":{"prompt_tokens":700,"completion_tokens":77,)"
                                   R"("total_tokens":777})");
    upstream_.answer_next(Script().send(sse_head() + chunk(event)).wait(never_));
    TestClient client = gateway.connect();
    client.send(capped_chat(alice_key, "counted", 5000, true));
    static_cast<void>(client.read_head());
    ASSERT_TRUE(client.read_until("one"));
    client.wire().reset();
    EXPECT_TRUE(eventually([&] { return left() == first - 777; })) << first - left();
}

}  // namespace
}  // namespace sluicegate::support
