// Uploads beyond server.max_body: refused, answered, and drained so that the answer is seen.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::support {
namespace {

constexpr std::size_t upload_bytes = 20 * 1024 * 1024;

class LargeUpload : public testing::Test {
protected:
    LargeUpload() : gateway_(config()) {}
    ConfigText config() {
        ConfigText text(upstream_.base_url());
        text.max_body = "1MiB";
        return text;
    }
    static std::string head(std::string_view fields) {
        return "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
               "Content-Type: application/json\r\n" +
               std::string(fields) + "\r\n";
    }
    static std::string sized(std::size_t size) {
        return "Content-Length: " + std::to_string(size) + "\r\n";
    }
    static void expect_413(const Response& response) {
        expect_error(response, {.status = 413, .code = "request_too_large"});
        EXPECT_EQ(to_lower(response.field("connection")), "close");
        EXPECT_EQ(response.field("x-should-retry"), "false");
    }

    FakeUpstream upstream_;
    Gateway gateway_;
};

TEST_F(LargeUpload, IsTakenInWhileThe413WaitsForTheClient) {
    TestClient client = gateway_.connect();
    client.send(head(bearer(alice_key) + sized(upload_bytes)));
    // An SDK looks at the answer only when all is sent: a reset here would hide the 413.
    EXPECT_EQ(client.send(std::string(upload_bytes, 'x')), upload_bytes);
    expect_413(client.read_response());
    EXPECT_EQ(client.read_to_end(), ReadEnd::eof);
    EXPECT_TRUE(upstream_.connections().empty());
}

TEST_F(LargeUpload, IsRefusedBeforeItsBodyIsSent) {
    TestClient client = gateway_.connect();
    client.send(head(bearer(alice_key) + sized(upload_bytes)));
    expect_413(client.read_response());
}

TEST_F(LargeUpload, IsRefusedWhenChunksAddUp) {
    TestClient client = gateway_.connect();
    client.send(head(bearer(alice_key) + "Transfer-Encoding: chunked\r\n"));
    const std::string piece = chunk(std::string(64 * 1024, 'x'));
    std::size_t sent = 0;
    for (int i = 0; i < 320; ++i) sent += client.send(piece);
    EXPECT_EQ(sent, piece.size() * 320);
    client.send(chunk(""));
    expect_413(client.read_response());
}

TEST_F(LargeUpload, ExpectContinueGetsThe413AndNo100) {
    TestClient client = gateway_.connect();
    client.send(head(bearer(alice_key) + sized(upload_bytes) + "Expect: 100-continue\r\n"));
    const Response response = client.read_response();
    expect_413(response);
    EXPECT_TRUE(response.interim.empty());
}

TEST_F(LargeUpload, WithoutAKeyIs401BeforeItsBodyIsSent) {
    TestClient client = gateway_.connect();
    client.send(head(sized(upload_bytes)));
    expect_error(client.read_response(), {.status = 401, .code = "missing_api_key"});
}

TEST_F(LargeUpload, TheLimitItselfStillPasses) {
    const std::string start = R"({"model":"m","x":")";
    const std::size_t limit = 1024 * 1024;
    const std::string body = start + std::string(limit - start.size() - 2, 'x') + "\"}";
    ASSERT_EQ(body.size(), limit);
    expect_success(gateway_.send(post_json("/v1/chat/completions", alice_key, body)));
    expect_413(gateway_.send(post_json("/v1/chat/completions", alice_key, body + " ")));
    EXPECT_EQ(upstream_.requests().size(), 1U);
}

TEST_F(LargeUpload, ItsDrainIsBounded) {
    TestClient client = gateway_.connect();
    client.send(head(bearer(alice_key) + sized(std::size_t{1} << 40)));
    const std::string piece(std::size_t{1} << 20, 'x');
    std::size_t sent = 0;
    // Bounded by bytes (64 MB) or by time (seconds), whichever comes first.
    for (int i = 0; i < 2048; ++i) {
        const std::size_t size = client.send(piece);
        sent += size;
        if (size < piece.size()) break;
    }
    EXPECT_LT(sent, std::size_t{1} << 30);
}

}  // namespace
}  // namespace sluicegate::support
