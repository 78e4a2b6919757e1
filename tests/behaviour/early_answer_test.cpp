// An upstream that answers before it has read the request: the answer is passed on at once, and the
// upload ends there (RFC 9112, 9.5).
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace sluicegate::support {
namespace {

/// Far less than the timeouts below, far more than a local upload takes.
constexpr milliseconds early_enough{10'000};

class EarlyAnswer : public testing::Test {
protected:
    static std::string large_request() {
        const std::string body = R"({"model":"m","messages":[{"role":"user","content":")" +
                                 std::string(std::size_t{20} << 20, 'x') + "\"}]}";
        return post_json("/v1/chat/completions", alice_key, body);
    }
    /// What comes back, and that it came soon.
    Response send_large_request() {
        const auto began = std::chrono::steady_clock::now();
        TestClient client = gateway_.connect();
        client.send(large_request());
        Response response = client.read_response("POST", Deadline(milliseconds(40'000)));
        EXPECT_LT(std::chrono::steady_clock::now() - began, early_enough);
        return response;
    }

    Signal never_;
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url(),
                                "max_in_flight: 1, timeouts: {first_byte: 30s, total: 30s}")};
};

TEST_F(EarlyAnswer, ARefusalOfAnUpstreamThatStopsReadingIsPassedOnAtOnce) {
    upstream_.answer_before_the_body();
    upstream_.answer_next(
        Script().send(json_response(401, R"({"error":{"message":"no"}})")).wait(never_));
    const Response response = send_large_request();
    EXPECT_EQ(response.status, 502) << response.body;
    EXPECT_NE(response.body.find("upstream_auth_error"), std::string::npos) << response.body;
    EXPECT_TRUE(upstream_.wait_for_peer_close(0)) << "half a request stands in that connection";
}

TEST_F(EarlyAnswer, AClientErrorIsPassedOnAndThePlaceIsFree) {
    upstream_.answer_before_the_body();
    upstream_.answer_next(
        Script()
            .send(json_response(413, R"({"error":{"message":"too long","code":"long"}})"))
            .wait(never_));
    const Response response = send_large_request();
    EXPECT_EQ(response.status, 413) << response.body;
    EXPECT_NE(response.body.find("too long"), std::string::npos) << response.body;
    EXPECT_TRUE(upstream_.wait_for_peer_close(0));
    upstream_.answer_next(Script().send(chat_answer()).close());
    EXPECT_TRUE(eventually([&] { return gateway_.chat(alice_key, "m").status == 200; }));
}

}  // namespace
}  // namespace sluicegate::support
