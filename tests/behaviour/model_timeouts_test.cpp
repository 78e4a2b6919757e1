// Deadlines of an upstream, and a model's own instead of them: each with its own code.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class ModelTimeouts : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.upstreams +=
            upstream_line("hasty", upstream.base_url(),
                          "timeouts: {first_byte: 300ms, between_bytes: 300ms, total: 60s}");
        text.models +=
            "  quick-first: {timeouts: {first_byte: 300ms}, route: [{upstream: up}]}\n"
            "  quick-between: {timeouts: {between_bytes: 300ms}, route: [{upstream: up}]}\n"
            "  quick-total: {timeouts: {total: 600ms}, route: [{upstream: up}]}\n"
            "  on-hasty: {route: [{upstream: hasty}]}\n"
            "  patient: {timeouts: {first_byte: 60s, between_bytes: 60s},"
            " route: [{upstream: hasty}]}\n"
            "  half-patient: {timeouts: {first_byte: 60s}, route: [{upstream: hasty}]}\n";
        return text;
    }
    /// The code of the error in whatever form it came; "" for none.
    static std::string code_of(const Response& response) {
        const std::string text =
            response.status == 200 ? events_of(response.body).back() : response.body;
        const nlohmann::json body = nlohmann::json::parse(text, nullptr, false);
        return body.is_object() && body.contains("error") ? body["error"].value("code", "") : "";
    }
    // Signals outlive the upstream that waits for them.
    Signal never_;
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};

    const Script silent_ = Script().wait(never_);
    const Script stalled_ = Script().send(sse_head() + chunk(chat_event("a"))).wait(never_);
    const Script endless_ =
        Script().send(sse_head()).repeat(chunk(chat_event("a")), milliseconds(20));
};

TEST_F(ModelTimeouts, EachHasItsOwnCode) {
    struct Row {
        std::string model;
        Script script;
        std::string code;
        int status;
    };
    const std::vector<Row> rows{
        {"quick-first", silent_, "upstream_timeout", 504},
        {"quick-between", stalled_, "upstream_idle_timeout", 200},
        {"quick-total", silent_, "upstream_total_timeout", 504},
        {"quick-total", stalled_, "upstream_total_timeout", 200},
        {"quick-total", endless_, "upstream_total_timeout", 200},
        {"on-hasty", silent_, "upstream_timeout", 504},
        {"on-hasty", stalled_, "upstream_idle_timeout", 200},
        {"half-patient", stalled_, "upstream_idle_timeout", 200},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.model + " " + row.code);
        const std::size_t connection = upstream_.connections().size();
        upstream_.answer(row.script);
        const Response response = gateway_.stream(alice_key, row.model);
        EXPECT_EQ(response.status, row.status) << response.body;
        EXPECT_EQ(response.is_complete, row.status != 200);
        EXPECT_EQ(code_of(response), row.code) << response.body;
        EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
        EXPECT_TRUE(upstream_.wait_for_peer_close(connection));
        EXPECT_EQ(response.field("x-should-retry") == "false", row.status == 504);
        const auto is_its_line = [&](const nlohmann::json& line) {
            return line.value("model", "") == row.model &&
                   line.dump().find(row.code) != std::string::npos;
        };
        EXPECT_TRUE(gateway_.daemon().wait_for_log(is_its_line)) << "the log names it too";
    }
}

TEST_F(ModelTimeouts, AModelMayWaitLongerThanItsUpstream) {
    upstream_.answer(Script()
                         .pause(milliseconds(800))
                         .send(sse_head() + chunk(chat_event("a")))
                         .pause(milliseconds(800))
                         .send(chunk(done_event) + chunk("")));
    expect_success(gateway_.stream(alice_key, "patient"));
    EXPECT_EQ(code_of(gateway_.stream(alice_key, "on-hasty")), "upstream_timeout");
}

TEST_F(ModelTimeouts, OthersOfTheSameUpstreamKeepTheirOwn) {
    upstream_.answer(Script().pause(milliseconds(900)).send(chat_answer()));
    EXPECT_EQ(gateway_.chat(alice_key, "quick-first").status, 504);
    EXPECT_EQ(gateway_.chat(alice_key, "quick-between").status, 200);
    EXPECT_EQ(gateway_.chat(alice_key, "m").status, 200);
}

TEST_F(ModelTimeouts, AReloadChangesThem) {
    ConfigText text = config(upstream_);
    text.models.replace(text.models.find("first_byte: 300ms"), 17, "first_byte: 60s");
    upstream_.answer(Script().pause(milliseconds(900)).send(chat_answer()));
    EXPECT_EQ(gateway_.chat(alice_key, "quick-first").status, 504);
    gateway_.daemon().reload(text.text());
    EXPECT_EQ(gateway_.chat(alice_key, "quick-first").status, 200);
}

}  // namespace
}  // namespace sluicegate::support
