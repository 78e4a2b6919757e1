// A client that reads slowly slows its upstream, and costs a bounded amount of memory.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace sluicegate::support {
namespace {

/// Kernel buffers of two loopback connections stand between the client and the script.
constexpr std::size_t kernel_and_relay_bytes = std::size_t{48} << 20;

class SlowReader : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    /// Waits until the script has written nothing for a while.
    std::size_t bytes_sent_when_blocked(std::size_t connection) {
        std::size_t last = 0;
        int unchanged = 0;
        const Deadline deadline(milliseconds(60'000));
        while (unchanged < 10 && !deadline.has_passed()) {
            let_time_pass(milliseconds(50));
            const std::size_t now = upstream_.connections().at(connection).bytes_sent;
            unchanged = now == last && now > 0 ? unchanged + 1 : 0;
            last = now;
            if (now > kernel_and_relay_bytes * 4) break;
        }
        return last;
    }
};

TEST_F(SlowReader, BlocksItsUpstreamAndNobodyElse) {
    const std::string event = chat_event(std::string(60'000, 'x'));
    upstream_.answer_next(Script().send(sse_head()).repeat(chunk(event)));
    TestClient client = gateway_.connect(4096);
    expect_success(gateway_.get("/v1/models", bearer(alice_key)));
    const std::size_t memory_before = gateway_.daemon().resident_bytes();
    client.send(chat_request(alice_key, "m", true));
    ASSERT_TRUE(upstream_.wait_for_requests(1));

    EXPECT_LT(bytes_sent_when_blocked(0), kernel_and_relay_bytes);
    EXPECT_LT(gateway_.daemon().resident_bytes(), memory_before + (std::size_t{24} << 20));
    for (int i = 0; i < 10; ++i) expect_success(gateway_.chat(alice_key, "m"));

    client.wire().reset();
    EXPECT_TRUE(upstream_.wait_for_peer_close(0));
}

TEST_F(SlowReader, GetsEverythingInTheEnd) {
    std::string body;
    while (body.size() < (std::size_t{8} << 20)) body += chat_event(std::string(30'000, 'y'));
    body += done_event;
    Script script;
    script.send(sse_head());
    for (std::size_t at = 0; at < body.size(); at += 100'000) {
        script.send(chunk(std::string_view(body).substr(at, 100'000)));
    }
    upstream_.answer(script.send(chunk("")));
    TestClient client = gateway_.connect(4096);
    client.send(chat_request(alice_key, "m", true));
    ASSERT_TRUE(upstream_.wait_for_requests(1));
    static_cast<void>(bytes_sent_when_blocked(0));
    const Response response = client.read_response("POST", Deadline(milliseconds(60'000)));
    expect_success(response);
    EXPECT_TRUE(response.body == body);
}

TEST(SlowReaderOfJson, HasTimeAsLongAsItReads) {
    // More than the kernel's buffers hold, and still an answer that is held back and sent at once.
    const std::string body =
        R"({"choices":[{"message":{"content":"a"}}],"a":")" + std::string(7'500'000, 'x') + "\"}";
    FakeUpstream upstream;
    upstream.answer(Script().send(json_response(200, body)));
    ConfigText config(upstream.base_url());
    config.timeouts = "{header: 20s, body: 20s, idle: 1s, drain: 1s}";
    const Gateway gateway(config);
    TestClient client = gateway.connect(64 * 1024);
    client.send(chat_request(alice_key, "m"));
    ASSERT_EQ(client.read_head().status, 200);
    std::size_t got = client.unread().size();
    const auto began = std::chrono::steady_clock::now();
    for (;;) {
        let_time_pass(milliseconds(30));
        std::size_t step = 0;
        while (step < 50'000) {
            const ReadResult read = client.wire().read_some(Deadline(milliseconds(200)));
            if (read.end != ReadEnd::data) break;
            step += read.bytes.size();
        }
        if (step == 0) break;
        got += step;
    }
    EXPECT_GE(got, body.size());
    EXPECT_GT(std::chrono::steady_clock::now() - began, milliseconds(2000))
        << "it reads faster than the test is about";
}

}  // namespace
}  // namespace sluicegate::support
