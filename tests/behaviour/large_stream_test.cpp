// Slow readers of a fast stream of 50 MB: bounded memory, no loss, and other clients do not notice.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

TEST(LargeStream, ASlowReaderHoldsItsBoundAndOthersDoNotNotice) {
    constexpr std::size_t readers = 4;
    const std::string event = chat_event(std::string(50'000, 'x'));
    std::string body;
    while (body.size() < 50 * mebibyte) body += event;
    body += done_event;
    FakeUpstream upstream;
    upstream.answer_with([&](const ReceivedRequest& request) {
        if (request.body.find("\"large\"") == std::string::npos) {
            return Script().send(sse_head() + chunk(chat_event("a") + std::string(done_event)) +
                                 chunk(""));
        }
        return Script().send(sse_head() + chunk(body) + chunk(""));
    });
    ConfigText config(upstream.base_url());
    config.models += "  large: {route: [{upstream: up}]}\n";
    Gateway gateway(config);
    for (int i = 0; i < 20; ++i) expect_success(gateway.stream(alice_key, "m"));
    const std::size_t before = gateway.daemon().resident_bytes();

    std::vector<std::unique_ptr<TestClient>> slow;
    for (std::size_t i = 0; i < readers; ++i) {
        slow.push_back(std::make_unique<TestClient>(gateway.port(), 4096));
        slow.back()->send(chat_request(alice_key, "large", true));
        EXPECT_EQ(slow.back()->read_head().status, 200);
    }
    std::size_t most = 0;
    for (int i = 0; i < 100; ++i) {
        expect_success(gateway.stream(bob_key, "m"));
        most = std::max(most, gateway.daemon().resident_bytes());
    }
    // 64 KiB for each are promised; the rest is for the allocator, and for a sanitizer's.
    EXPECT_LT(most, before + 24 * mebibyte) << "with " << readers << " slow readers";
    std::size_t finished = 0;
    for (const ConnectionRecord& record : upstream.connections()) {
        finished += record.bytes_sent > body.size() ? 1 : 0;
    }
    EXPECT_EQ(finished, 0U) << "the upstream is slowed down too";

    const Response whole = slow.front()->read_rest(Deadline(milliseconds(60'000)));
    expect_success(whole);
    EXPECT_TRUE(whole.body == body) << whole.body.size();
    EXPECT_LT(gateway.daemon().resident_bytes(), before + 24 * mebibyte);
}

TEST(LargeStream, AnEventLongerThanTheBufferPassesWholeOrNotAsWhole) {
    const std::string large = chat_event(std::string(300'000, 'x'));
    const std::string small = chat_event("a");
    FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.streams = "streams: {buffer: 16KiB}\n";
    const Gateway gateway(config);
    const std::string rest = small + std::string(done_event);
    upstream.answer(Script().send(
        sse_head() + chunk(small + large + large + usage_event(1, 2) + rest) + chunk("")));
    const Response whole = gateway.stream(alice_key, "m");
    expect_success(whole);
    EXPECT_TRUE(whole.body == small + large + large + rest);

    for (const std::size_t part : {std::size_t{100}, std::size_t{20'000}, std::size_t{200'000}}) {
        SCOPED_TRACE(part);
        upstream.answer(
            Script().send(sse_head() + chunk(small + large + large.substr(0, part))).cut());
        const Response cut = gateway.stream(alice_key, "m");
        EXPECT_EQ(cut.status, 200);
        EXPECT_FALSE(cut.is_complete);
        EXPECT_EQ(cut.body.find("[DONE]"), std::string::npos);
        EXPECT_TRUE(cut.body.starts_with(small + large));
        // Part of an event may have left; the error must still be an event of its own.
        const std::string last = events_of(cut.body).back();
        EXPECT_TRUE(nlohmann::json::parse(last, nullptr, false).contains("error"))
            << last.substr(0, 200);
    }
}

TEST(LargeStream, AFirstEventLongerThanTheBufferLosesNothing) {
    struct Row {
        std::string name, path, members, first, last;
    };
    const std::string text(600'000, 'x');
    const auto typed = [](const std::string& type, const std::string& members) {
        return "event: " + type + "\ndata: {\"type\":\"" + type + "\"," + members + "}\n\n";
    };
    const Row rows[] = {
        {"chat", "/v1/chat/completions", R"("messages":[{"role":"user","content":"x"}])",
         chat_event(text), std::string(done_event)},
        {"responses", "/v1/responses", R"("input":"x")",
         typed("response.created", R"("response":{"instructions":")" + text + "\"}"),
         typed("response.completed", R"("response":{"status":"completed"})")},
        {"images", "/v1/images/generations", R"("prompt":"x")",
         typed("image_generation.partial_image", R"("b64_json":")" + text + "\""),
         typed("image_generation.completed", R"("b64_json":"AAAA")")},
    };
    FakeUpstream upstream;
    for (const char* const buffer : {"16KiB", "64KiB"}) {
        ConfigText config(upstream.base_url());
        config.streams = std::string("streams: {buffer: ") + buffer + "}\n";
        const Gateway gateway(config);
        for (const Row& row : rows) {
            SCOPED_TRACE(row.name + ", buffer " + buffer);
            const std::string body = ": ping\n\n" + row.first + row.last;
            upstream.answer(Script().send(sse_head() + chunk(body) + chunk("")));
            const Response response = gateway.send(post_json(
                row.path, alice_key, R"({"model":"m","stream":true,)" + row.members + "}"));
            expect_success(response);
            EXPECT_TRUE(response.body == body) << response.body.size() << " of " << body.size();
        }
    }
}

}  // namespace
}  // namespace sluicegate::support
