// Limits that only report: nothing is refused, and everybody can see what would have been.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class DryRun : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.models +=
            "  trial: {limits: {rpm: 2, dry_run: true}, route: [{upstream: up}]}\n"
            "  mixed: {limits: {rpm: 3, tpm: 100, dry_run: [tpm]}, route: [{upstream: up}]}\n"
            "  never: {limits: {rpm: 0, dry_run: true}, route: [{upstream: up}]}\n"
            "  busy: {limits: {concurrency: 1, dry_run: [concurrency]}, route: [{upstream: up}]}\n"
            "  daily: {limits: {rpd: 1, tpd: 100, dry_run: [rpd, tpd]}, route: [{upstream: up}]}\n";
        text.groups = "  default: {}\n  research: {limits: {trial: {dry_run: false}}}\n";
        return text;
    }
    // Signals outlive the upstream that waits for them.
    Signal go_;
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};

    void expect_marked(const Response& response, std::string_view limit) {
        expect_success(response);
        EXPECT_EQ(response.field("x-sluicegate-dry-run"), limit);
        EXPECT_FALSE(response.head.has("x-sluicegate-limit"));
        EXPECT_FALSE(response.head.has("retry-after"));
    }
};

TEST_F(DryRun, AdmitsAndMarksWhatItWouldHaveRefused) {
    for (int i = 0; i < 5; ++i) {
        SCOPED_TRACE(i);
        expect_marked(gateway_.chat(alice_key, "trial"), i < 2 ? "" : "rpm");
    }
    EXPECT_EQ(upstream_.requests().size(), 5U);
    EXPECT_TRUE(gateway_.daemon().wait_for_log([](const nlohmann::json& line) {
        return line.value("model", "") == "trial" && line.value("status", 0) == 200 &&
               line.value("dry_run", "") == "rpm";
    })) << "the access log names the limit\n"
        << gateway_.daemon().log();
}

TEST_F(DryRun, MarksStreamsToo) {
    upstream_.answer(
        Script().send(sse_head() + chunk(chat_event("a") + std::string(done_event)) + chunk("")));
    for (int i = 0; i < 3; ++i) {
        expect_marked(gateway_.stream(alice_key, "trial"), i < 2 ? "" : "rpm");
    }
}

TEST_F(DryRun, AnEnforcedLimitBesideItStillRefuses) {
    expect_marked(gateway_.send(capped_chat(alice_key, "mixed", 50)), "");
    expect_marked(gateway_.send(capped_chat(alice_key, "mixed", 5000)), "tpm");
    expect_marked(gateway_.send(capped_chat(alice_key, "mixed", 5000)), "tpm");
    expect_rate_limited(gateway_.chat(alice_key, "mixed"), "rpm");
    EXPECT_EQ(upstream_.requests().size(), 3U);
}

TEST_F(DryRun, IsCounted) {
    for (int i = 0; i < 5; ++i) expect_success(gateway_.chat(alice_key, "trial"));
    const std::string_view name = "sluicegate_limiter_refusals_total";
    EXPECT_TRUE(eventually([&] {
        return metric(gateway_, name, {"model=\"trial\"", "limit=\"rpm\"", "mode=\"dry_run\""}) ==
               3.0;
    }));
    EXPECT_EQ(metric(gateway_, name, {"model=\"trial\"", "mode=\"enforced\""}), 0);
    EXPECT_EQ(metric(gateway_, "sluicegate_limiter_decisions_total",
                     {"model=\"trial\"", "decision=\"admitted\""}),
              5);
}

TEST_F(DryRun, EvenZeroOnlyReports) {
    expect_marked(gateway_.chat(alice_key, "never"), "rpm");
}

TEST_F(DryRun, ConcurrencyAndDaysOnlyReportToo) {
    upstream_.answer_next(Script().wait(go_).send(chat_answer()));
    TestClient holder = gateway_.connect();
    holder.send(chat_request(alice_key, "busy"));
    ASSERT_TRUE(upstream_.wait_for_requests(1));
    expect_marked(gateway_.chat(alice_key, "busy"), "concurrency");
    go_.raise();
    expect_success(holder.read_response());

    expect_marked(gateway_.send(capped_chat(alice_key, "daily", 10)), "");
    expect_marked(gateway_.send(capped_chat(alice_key, "daily", 10)), "rpd");
}

TEST_F(DryRun, AGroupMayEnforceWhatTheModelOnlyReports) {
    expect_success(gateway_.chat(bob_key, "trial"));
    expect_success(gateway_.chat(bob_key, "trial"));
    expect_rate_limited(gateway_.chat(bob_key, "trial"), "rpm");
}

TEST_F(DryRun, AnUpstreamCannotForgeTheMark) {
    upstream_.answer(Script().send(
        chat_answer(1, 1, "x-sluicegate-dry-run: tpm\r\nx-sluicegate-limit: rpm\r\n")));
    expect_marked(gateway_.chat(alice_key, "m"), "");
}

}  // namespace
}  // namespace sluicegate::support
