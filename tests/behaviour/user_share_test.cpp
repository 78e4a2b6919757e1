// One user never takes the memory or the turns of others: bodies that do not end, answers that are
// not read.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::size_t memory_bytes = 16 * mebibyte;
constexpr std::size_t large_bytes = mebibyte - 1024;
constexpr std::string_view chat_target = "/v1/chat/completions";

std::string large_body() {
    const std::string begin = R"({"model":"m","messages":[{"role":"user","content":")";
    const std::string end = "\"}]}";
    return begin + std::string(large_bytes - begin.size() - end.size(), 'x') + end;
}

/// The head of a body that is announced, and then does not come.
std::string announced(std::string_view key, std::string_view more_fields = {},
                      std::size_t size = large_bytes, std::string_view target = chat_target) {
    return "POST " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + bearer(key) +
           "Content-Type: application/json\r\n" + std::string(more_fields) +
           "Content-Length: " + std::to_string(size) + "\r\n\r\n";
}

class UserShare : public testing::Test {
protected:
    void start(const std::string& server_lines) {
        ConfigText text(upstream_.base_url());
        text.max_body = "1MiB";
        text.server_lines = server_lines;
        text.listener_tls = tls_listener;
        gateway_.emplace(text, files_of(authority_.issue()));
    }
    void stop() {
        hanging_.clear();
        gateway_.reset();
    }
    TestClient& hang(std::string_view bytes) {
        hanging_.push_back(gateway_->connect());
        hanging_.back().send(bytes);
        return hanging_.back();
    }
    [[nodiscard]] double buffered() const {
        return metric(*gateway_, "sluicegate_memory_buffered_bytes");
    }
    [[nodiscard]] bool is_settled() {
        double last = 0;
        int unchanged = 0;
        const Deadline deadline;
        while (unchanged < 8 && !deadline.has_passed()) {
            const double now = buffered();
            unchanged = now == last && now > 0 ? unchanged + 1 : 0;
            last = now;
            let_time_pass(milliseconds(25));
        }
        return unchanged == 8;
    }
    void expect_others_are_served() {
        const std::string body = large_body();
        for (const std::string_view key : {bob_key, carol_key, bob_key}) {
            expect_success(gateway_->send(post_json(chat_target, key, body)));
            expect_success(gateway_->chat(key, "m"));
            expect_success(gateway_->stream(key, "m"));
        }
        const SslContext context = client_context(authority_.certificate(), "localhost");
        TestClient tls(gateway_->daemon().port("client_tls"), context.get(), "localhost");
        tls.send(post_json(chat_target, bob_key, body));
        expect_success(tls.read_response());
    }

    CertificateAuthority authority_;
    FakeUpstream upstream_;
    std::optional<Gateway> gateway_;
    std::deque<TestClient> hanging_;
};

TEST_F(UserShare, OfBodiesThatDoNotEndLeavesHalfOfTheMemoryToOthers) {
    struct Row {
        std::string name;
        std::function<void()> hang_on;
    };
    const SslContext context = client_context(authority_.certificate(), "localhost");
    const std::string half(large_bytes / 2, 'x');
    const std::vector<Row> rows{
        {"announced", [&] { hang(announced(alice_key) + "{"); }},
        {"two keys of one user",
         [&] { hang(announced(hanging_.size() % 2 == 0 ? alice_key : alice_second_key)); }},
        {"100-continue", [&] { hang(announced(alice_key, "Expect: 100-continue\r\n")); }},
        {"half of it is there", [&] { hang(announced(alice_key) + half); }},
        {"chunked",
         [&] {
             TestClient& client =
                 hang("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + bearer(alice_key) +
                      "Content-Type: application/json\r\n" + "Transfer-Encoding: chunked\r\n\r\n");
             client.send(chunk(std::string(large_bytes, ' ')));
         }},
        {"embeddings",
         [&] { hang(announced(alice_key, {}, large_bytes, "/v1/embeddings") + "{"); }},
        {"the second request of a connection",
         [&] {
             TestClient& client = hang(chat_request(alice_key, "m"));
             if (client.read_response().status == 200) client.send(announced(alice_key) + "{");
         }},
        {"TLS",
         [&] {
             hanging_.emplace_back(gateway_->daemon().port("client_tls"), context.get(),
                                   "localhost");
             hanging_.back().send(announced(alice_key) + "{");
         }},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        start("  memory: 16MiB\n");
        for (int i = 0; i < 36; ++i) row.hang_on();
        ASSERT_TRUE(is_settled());
        EXPECT_LE(buffered(), memory_bytes / 2);
        EXPECT_GE(buffered(), memory_bytes / 4) << "it may have its own half";
        expect_others_are_served();
        expect_success(gateway_->chat(alice_key, "m"));
        stop();
    }
}

TEST_F(UserShare, WhatIsBeyondItIs503AndTheConnectionEnds) {
    start("  memory: 16MiB\n");
    for (int i = 0; i < 10; ++i) hang(announced(alice_key));
    ASSERT_TRUE(is_settled());
    TestClient& late = hang(announced(alice_key));
    const Response refused = late.read_response();
    expect_error(refused, {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
    EXPECT_EQ(refused.field("retry-after"), "1");
    EXPECT_EQ(to_lower(refused.field("connection")), "close");
    hanging_.clear();
    EXPECT_TRUE(eventually([&] { return buffered() == 0; }));
    expect_success(gateway_->send(post_json(chat_target, alice_key, large_body())));
}

TEST_F(UserShare, LeavesRoomWhereSeveralUsersTakeAllThatTheyCan) {
    start("  memory: 16MiB\n");
    for (int i = 0; i < 20; ++i) {
        hang(announced(alice_key));
        hang(announced(bob_key));
    }
    ASSERT_TRUE(is_settled());
    EXPECT_LE(buffered(), memory_bytes * 3 / 4);
    expect_success(gateway_->send(post_json(chat_target, carol_key, large_body())));
}

TEST_F(UserShare, BodiesThatDoNotEndAreNotInFlight) {
    struct Row {
        std::string name;
        std::string bytes;
    };
    const std::vector<Row> rows{
        {"one byte", announced(alice_key) + "{"},
        {"a short one", announced(alice_key, {}, 100) + "{"},
        {"100-continue", announced(alice_key, "Expect: 100-continue\r\n", 100)},
        {"chunked",
         "POST /v1/responses HTTP/1.1\r\nHost: a\r\n" + bearer(alice_key) +
             "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"},
        {"refused, and goes on sending", announced(alice_key, {}, 100 * mebibyte) + "{"},
        {"another coding", announced(alice_key, "Content-Encoding: gzip\r\n") + "{"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        start("  max_in_flight: 5\n");
        for (int i = 0; i < 12; ++i) hang(row.bytes);
        for (int i = 0; i < 20; ++i) {
            expect_success(gateway_->chat(bob_key, "m"));
            expect_success(gateway_->get("/v1/models", bearer(alice_key)));
        }
        stop();
    }
}

TEST_F(UserShare, ABodyThatIsThereIsInFlight) {
    Signal go;
    start("  max_in_flight: 1\n");
    upstream_.answer(Script().wait(go).send(chat_answer()));
    const std::string request = chat_request(alice_key, "m");
    const std::string_view all(request);
    TestClient& first = hang(all.substr(0, all.size() - 1));
    TestClient& second = hang(all.substr(0, all.size() - 1));
    ASSERT_TRUE(
        eventually([&] { return gateway_->get("/v1/models", bearer(bob_key)).status == 200; }));
    first.send(all.substr(all.size() - 1));
    ASSERT_TRUE(upstream_.wait_for_requests(1));
    second.send(all.substr(all.size() - 1));
    expect_error(second.read_response(),
                 {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
    go.raise();
    expect_success(first.read_response());
}

TEST_F(UserShare, OfAnswersThatAreNotReadLeavesAQuarterOfTheMemoryToOthers) {
    const std::string json =
        "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":"
        "{\"role\":\"assistant\",\"content\":\"" +
        std::string(7'500'000, 'x') + "\"}}]}";
    for (const bool is_streaming : {false, true}) {
        SCOPED_TRACE(is_streaming);
        start("  memory: 64MiB\n");
        upstream_.answer(Script().send(json_response(200, json)));
        for (int i = 0; i < 16; ++i) {
            hanging_.push_back(gateway_->connect(4096));
            hanging_.back().send(chat_request(alice_key, "m", is_streaming));
        }
        ASSERT_TRUE(upstream_.wait_for_requests(16));
        ASSERT_TRUE(is_settled());
        EXPECT_LE(buffered(), 48.0 * mebibyte);
        EXPECT_GE(buffered(), 16.0 * mebibyte);
        for (int i = 0; i < 3; ++i) expect_success(gateway_->chat(bob_key, "m"));
        stop();
    }
}

}  // namespace
}  // namespace sluicegate::support
