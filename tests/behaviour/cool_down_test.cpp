// After a refusal a provider gets no requests before the time that it named, and neither do other
// upstreams of its account.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

using Clock = std::chrono::steady_clock;

std::string refusal(const FieldText& fields = {}) {
    return json_response(429,
                         R"({"error":{"message":"slow down","type":"tokens","param":null,)"
                         R"("code":"rate_limit_exceeded"}})",
                         fields);
}

class CoolDown : public testing::Test {
protected:
    CoolDown() {
        sign(first_, "first");
        sign(second_, "second");
    }
    ConfigText with_fallback() {
        return routes_config(
            upstream_line("first", first_.base_url()) + upstream_line("second", second_.base_url()),
            "  m: {route: [{upstream: first}], fallback: [{upstream: second}]}\n"
            "  alone: {route: [{upstream: first, model: m}]}\n"
            "  another: {route: [{upstream: first}]}\n");
    }
    static void expect_told_to_wait(const Response& response, milliseconds at_least,
                                    milliseconds at_most) {
        expect_error(response, {.status = 429,
                                .type = "rate_limit_error",
                                .code = "upstream_rate_limited",
                                .message = "The upstream provider is rate limiting requests."});
        EXPECT_GE(number_in(response, "retry-after-ms"), at_least.count());
        EXPECT_LE(number_in(response, "retry-after-ms"), at_most.count());
        EXPECT_EQ(number_in(response, "retry-after"),
                  (number_in(response, "retry-after-ms") + 999) / 1000);
    }

    FakeUpstream first_;
    FakeUpstream second_;
};

TEST_F(CoolDown, LastsAsLongAsTheProviderSaidInAnySpelling) {
    struct Row {
        std::string name;
        FieldText fields;
    };
    const std::vector<Row> rows{
        {"retry-after", "Retry-After: 1\r\n"},
        {"fraction of a second", "Retry-After: 0.9\r\n"},
        {"retry-after-ms", "retry-after-ms: 900\r\n"},
        {"x-ms-retry-after-ms", "x-ms-retry-after-ms: 900\r\n"},
        {"the milliseconds count", "Retry-After: 600\r\nretry-after-ms: 900\r\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Gateway gateway(with_fallback());
        const std::size_t before = count(first_);
        first_.answer_next(Script().send(refusal(row.fields)));
        const auto start = Clock::now();
        const Response tried = gateway.chat(alice_key, "m");
        const auto refused = Clock::now();
        expect_answer_of(tried, "second");
        EXPECT_EQ(attempts_of(tried), 2);
        // Sent 400 ms before the end at the latest, so the pause is not over, however slow this is.
        std::size_t spared = 0;
        while (Clock::now() - start < milliseconds(500)) {
            const Response response = gateway.send(chat_request(bob_key, "m", spared % 2 == 0));
            EXPECT_EQ(attempts_of(response), 1);
            EXPECT_EQ(response.field("x-sluicegate-upstream"), "second");
            ++spared;
        }
        EXPECT_EQ(count(first_), before + 1) << "no request reached it while it cooled down";
        EXPECT_TRUE(eventually(
            [&] { return gateway.chat(alice_key, "m").body.find("first") != std::string::npos; }));
        EXPECT_GE(Clock::now() - refused, milliseconds(300));
        EXPECT_EQ(count(first_), before + 2);
    }
}

TEST_F(CoolDown, LeftWithNothingElseTheClientIsToldTheRestOfTheWait) {
    const Gateway gateway(with_fallback());
    first_.answer(Script().send(refusal("Retry-After: 30\r\n")));
    const Response refused = gateway.chat(alice_key, "alone");
    expect_told_to_wait(refused, milliseconds(29'000), milliseconds(33'000));
    EXPECT_EQ(attempts_of(refused), 1);
    let_time_pass(milliseconds(1100));
    for (const bool is_streaming : {false, true}) {
        const Response spared = gateway.send(chat_request(bob_key, "alone", is_streaming));
        expect_told_to_wait(spared, milliseconds(20'000), milliseconds(29'000 + 2900));
        EXPECT_LT(number_in(spared, "retry-after-ms"), number_in(refused, "retry-after-ms") + 1);
        EXPECT_FALSE(spared.head.has("x-sluicegate-limit")) << "that names our own limits";
    }
    EXPECT_EQ(count(first_), 1U);
}

TEST_F(CoolDown, OfOneModelLeavesTheOthersOfTheAccount) {
    const Gateway gateway(with_fallback());
    first_.answer_next(Script().send(refusal("Retry-After: 30\r\n")));
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    expect_answer_of(gateway.chat(alice_key, "another"), "first");
}

TEST_F(CoolDown, IsSharedByUpstreamsOfTheSameServerAndKey) {
    ConfigText text = with_fallback();
    text.upstreams += upstream_line("twin", first_.base_url());
    text.models +=
        "  twins: {route: [{upstream: twin, model: m}]}\n"
        "  both: {route: [{upstream: first, model: m}],"
        " fallback: [{upstream: twin, model: m}, {upstream: second}]}\n";
    const Gateway gateway(text);
    first_.answer_next(Script().send(refusal("Retry-After: 30\r\n")));
    const Response tried = gateway.chat(alice_key, "both");
    expect_answer_of(tried, "second");
    EXPECT_EQ(attempts_of(tried), 2) << "the twin has the same account";
    EXPECT_EQ(gateway.chat(alice_key, "twins").status, 429);
    EXPECT_EQ(count(first_), 1U);
}

TEST_F(CoolDown, IsSharedByUpstreamsOfOneAccountByName) {
    ConfigText text = with_fallback();
    text.upstreams = upstream_line("east", first_.base_url(), "account: team") +
                     upstream_line("west", second_.base_url(), "account: team");
    text.models =
        "  east: {route: [{upstream: east, model: x}]}\n"
        "  west: {route: [{upstream: west, model: x}]}\n";
    const Gateway gateway(text);
    first_.answer_next(Script().send(refusal("Retry-After: 30\r\n")));
    EXPECT_EQ(gateway.chat(alice_key, "east").status, 429);
    expect_told_to_wait(gateway.chat(alice_key, "west"), milliseconds(20'000),
                        milliseconds(33'000));
    EXPECT_EQ(count(second_), 0U);
}

TEST_F(CoolDown, IsNotSharedByOtherKeysOrNames) {
    ConfigText text = with_fallback();
    text.upstreams = "  mine: {kind: openai, base_url: \"" + first_.base_url() +
                     "\", api_key: sk-one}\n" + "  yours: {kind: openai, base_url: \"" +
                     first_.base_url() + "\", api_key: sk-two}\n" +
                     "  named: {kind: openai, base_url: \"" + first_.base_url() +
                     "\", api_key: sk-one, account: apart}\n";
    text.models =
        "  mine: {route: [{upstream: mine, model: x}]}\n"
        "  yours: {route: [{upstream: yours, model: x}]}\n"
        "  named: {route: [{upstream: named, model: x}]}\n";
    const Gateway gateway(text);
    first_.answer_next(Script().send(refusal("Retry-After: 30\r\n")));
    EXPECT_EQ(gateway.chat(alice_key, "mine").status, 429);
    expect_answer_of(gateway.chat(alice_key, "yours"), "first");
    expect_answer_of(gateway.chat(alice_key, "named"), "first");
}

TEST_F(CoolDown, IsOfTheWholeAccountBehindSeveralEndpoints) {
    ConfigText text = with_fallback();
    text.upstreams = endpoints_line("pair", {first_.base_url(), second_.base_url()});
    text.models = "  m: {route: [{upstream: pair}]}\n";
    const Gateway gateway(text);
    for (FakeUpstream* server : {&first_, &second_}) {
        server->answer(Script().send(refusal("Retry-After: 30\r\n")));
    }
    const Response refused = gateway.chat(alice_key, "m");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(attempts_of(refused), 1);
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 429);
    EXPECT_EQ(count(first_) + count(second_), 1U);
}

TEST_F(CoolDown, AStrayRefusalWithoutAWaitBansNothing) {
    const Gateway gateway(with_fallback());
    for (int i = 0; i < 5; ++i) {
        first_.answer_next(Script().send(refusal()));
        const Response tried = gateway.chat(alice_key, "m");
        expect_answer_of(tried, "second");
        EXPECT_EQ(attempts_of(tried), 2);
        for (int j = 0; j < 3; ++j) expect_answer_of(gateway.chat(alice_key, "m"), "first");
    }
}

TEST_F(CoolDown, RefusalsInARowWithoutAWaitDoCoolDown) {
    const Gateway gateway(with_fallback());
    first_.answer(Script().send(refusal()));
    for (int i = 0; i < 40; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    EXPECT_LE(count(first_), 12U) << "a provider that refuses all is not asked each time";
    sign(first_, "first");
    EXPECT_TRUE(eventually([&] {
        return gateway.chat(alice_key, "m").body.find("first") != std::string::npos;
    })) << "it returns by itself";
}

TEST_F(CoolDown, SurvivesAReload) {
    const ConfigText text = with_fallback();
    Gateway gateway(text);
    first_.answer_next(Script().send(refusal("Retry-After: 30\r\n")));
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    gateway.daemon().reload(text.text());
    for (int i = 0; i < 4; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    EXPECT_EQ(count(first_), 1U);
}

TEST_F(CoolDown, IsSeenByEveryWorker) {
    ConfigText text = with_fallback();
    text.threads = "4";
    const Gateway gateway(text);
    first_.answer_next(Script().send(refusal("Retry-After: 30\r\n")));
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    run_load(gateway, {.clients = 16, .each = 5, .request = chat_request(alice_key, "m")},
             [](const Response& response) { expect_answer_of(response, "second"); });
    EXPECT_EQ(count(first_), 1U);
}

TEST_F(CoolDown, AnAbsurdWaitIsBounded) {
    const Gateway gateway(with_fallback());
    first_.answer_next(Script().send(refusal("Retry-After: 99999999999\r\n")));
    const Response refused = gateway.chat(alice_key, "alone");
    EXPECT_EQ(refused.status, 429);
    EXPECT_GE(number_in(refused, "retry-after-ms"), 1);
    EXPECT_LE(number_in(refused, "retry-after"), 86'400);
    EXPECT_EQ(refused.field("x-should-retry"), "false") << "beyond 60 s";
}

TEST_F(CoolDown, AnErrorEventOfAStreamThatIsARefusalLeadsElsewhere) {
    const Gateway gateway(with_fallback());
    first_.answer_next(Script().send(
        sse_head() +
        chunk("data: {\"error\":{\"message\":\"slow down\",\"type\":\"tokens\",\"param\":null,"
              "\"code\":\"rate_limit_exceeded\"}}\n\n") +
        chunk("")));
    const Response response = gateway.stream(alice_key, "m");
    expect_answer_of(response, "second", true);
    EXPECT_EQ(attempts_of(response), 2);
}

}  // namespace
}  // namespace sluicegate::support
