// Requests with a content coding: decoded before anything looks at them, within their bounds.
#include "behaviour/harness.hpp"
#include "support/content_encoder.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view bare_form_end = "\r\n--b0undary--\r\n";

/// A form with a recording that looks like noise.
std::string form_for(std::string_view model) {
    std::mt19937 random(7);
    std::string audio;
    for (int i = 0; i < 40'000; ++i) audio += static_cast<char>(random());
    return "--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
           "Content-Type: audio/wav\r\n\r\n" +
           audio + "\r\n--b0undary\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" +
           std::string(model) + std::string(bare_form_end);
}

std::string long_chat_body(std::string_view model, std::size_t size) {
    std::mt19937 random(3);
    std::string content;
    while (content.size() < size) content += "word" + std::to_string(random() % 5000) + " ";
    return R"({"messages":[{"role":"user","content":")" + content + R"("}],"model":")" +
           std::string(model) + "\"}";
}

class CodedRequests : public testing::Test {
protected:
    void start(const std::string& max_body = "32MiB", const std::string& server_lines = {}) {
        ConfigText text(upstream_.base_url());
        text.max_body = max_body;
        text.server_lines = server_lines;
        DaemonOptions options;
        // What the address sanitizer keeps back of freed memory must not look like growth.
        options.environment["ASAN_OPTIONS"] = "quarantine_size_mb=8";
        gateway_.emplace(text, options);
    }
    static std::string head(std::string_view target, std::string_view coding,
                            std::string_view fields) {
        return "POST " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + bearer(alice_key) +
               "Content-Encoding: " + std::string(coding) + "\r\n" + std::string(fields);
    }
    static std::string sized(std::string_view target, std::string_view coding,
                             const std::string& body,
                             const std::string& type = "application/json") {
        return head(target, coding,
                    "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n") +
               body;
    }
    static std::string chunked(std::string_view target, std::string_view coding,
                               std::string_view body,
                               const std::string& type = "application/json") {
        std::string bytes = head(
            target, coding, "Content-Type: " + type + "\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (std::size_t at = 0; at < body.size(); at += 1000)
            bytes += chunk(body.substr(at, 1000));
        return bytes + chunk("");
    }
    static std::string chat(std::string_view coding, const std::string& body) {
        return sized("/v1/chat/completions", coding, body);
    }
    void expect_received(const std::string& body) {
        const ReceivedRequest received = upstream_.requests().back();
        EXPECT_TRUE(received.body == body) << received.body.size() << " of " << body.size();
        EXPECT_EQ(received.head.value("content-length"), std::to_string(body.size()));
        EXPECT_FALSE(received.head.has("content-encoding"));
        EXPECT_FALSE(received.head.has("transfer-encoding"));
    }

    FakeUpstream upstream_;
    std::optional<Gateway> gateway_;
};

TEST_F(CodedRequests, ReachTheUpstreamDecodedInEveryFramingAndShape) {
    start();
    const std::string form = "multipart/form-data; boundary=b0undary";
    struct Row {
        std::string name, target, type, sent, received;
    };
    const std::vector<Row> rows{
        {"short", "/v1/chat/completions", "application/json", chat_body("m"), chat_body("m")},
        {"renamed", "/v1/chat/completions", "application/json", long_chat_body("renamed", 30'000),
         long_chat_body("provider/renamed-2024", 30'000)},
        {"long", "/v1/chat/completions", "application/json", long_chat_body("m", 3'000'000),
         long_chat_body("m", 3'000'000)},
        {"embeddings", "/v1/embeddings", "application/json", R"({"model":"m","input":"text"})",
         R"({"model":"m","input":"text"})"},
        {"form", "/v1/audio/transcriptions", form, form_for("m"), form_for("m")},
        {"form, renamed", "/v1/audio/transcriptions", form, form_for("renamed"),
         form_for("provider/renamed-2024")},
    };
    TestClient client = gateway_->connect();
    for (const std::string& encoder : encoder_names()) {
        const std::string coding = coding_name(encoder);
        for (const Row& row : rows) {
            SCOPED_TRACE(encoder + ", " + row.name);
            const std::string body = encoded(encoder, row.sent);
            client.send(sized(row.target, coding, body, row.type));
            expect_success(client.read_response());
            expect_received(row.received);
            client.send(chunked(row.target, coding, body, row.type));
            expect_success(client.read_response());
            expect_received(row.received);
        }
    }
}

TEST_F(CodedRequests, MayArriveByteByByteAndWithTheNextBehindThem) {
    start();
    for (const std::string& encoder : encoder_names()) {
        SCOPED_TRACE(encoder);
        const std::string coding = coding_name(encoder);
        const std::string body = encoded(encoder, chat_body("m"));
        TestClient client = gateway_->connect();
        client.send_in_pieces(chat(coding, body) + chunked("/v1/chat/completions", coding, body),
                              3);
        expect_success(client.read_response());
        expect_success(client.read_response());
        client.send(chat(coding, body) + chunked("/v1/chat/completions", coding, body) +
                    chat_request(alice_key, "m"));
        for (int i = 0; i < 3; ++i) {
            expect_success(client.read_response());
            expect_received(chat_body("m"));
        }
    }
}

TEST_F(CodedRequests, AreAskedForWithContinue) {
    start();
    const std::string body = encoded("zstd", chat_body("m"));
    TestClient client = gateway_->connect();
    client.send(head("/v1/chat/completions", "zstd",
                     "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: " +
                         std::to_string(body.size()) + "\r\n\r\n"));
    ASSERT_TRUE(client.read_raw_until("HTTP/1.1 100 Continue\r\n\r\n"));
    client.send(body);
    expect_success(client.read_response());
    expect_received(chat_body("m"));

    TestClient refused = gateway_->connect();
    refused.send(head("/v1/chat/completions", "compress",
                      "Content-Type: application/json\r\nExpect: 100-continue\r\n"
                      "Content-Length: 100\r\n\r\n"));
    const Response answer = refused.read_response();
    EXPECT_EQ(answer.status, 415);
    EXPECT_TRUE(answer.interim.empty());
}

TEST_F(CodedRequests, NamesAreReadAsTheStandardSays) {
    start();
    const std::string plain = chat_body("m");
    const std::string gzip = encoded("gzip", plain);
    for (const std::string name : {"GZIP", "x-gzip", "gzip, identity", "identity,gzip",
                                   "identity\r\nContent-Encoding: gzip"}) {
        SCOPED_TRACE(name);
        expect_success(gateway_->send(chat(name, gzip)));
        expect_received(plain);
    }
    for (const std::string name : {"identity", "Identity", ""}) {
        SCOPED_TRACE(name);
        expect_success(gateway_->send(chat(name, plain)));
        expect_received(plain);
    }
    const std::size_t received = upstream_.requests().size();
    for (const std::string name : {"compress", "gzip, zstd", "gzip, gzip", "aes128gcm", "gzip;q=1",
                                   "gzip\r\nContent-Encoding: br"}) {
        SCOPED_TRACE(name);
        TestClient client = gateway_->connect();
        client.send(chat(name, gzip));
        const Response response = client.read_response();
        expect_error(response, {.status = 415, .code = "unsupported_media_type"});
        EXPECT_EQ(response.field("accept-encoding"), "gzip, deflate, br, zstd");
        client.send(chat("gzip", gzip));
        expect_success(client.read_response());
    }
    EXPECT_EQ(upstream_.requests().size(), received + 6);
}

TEST_F(CodedRequests, WhatIsBrokenIsA400ThatSaysWhyAndTheConnectionStays) {
    start();
    const std::string plain = chat_body("m");
    for (const std::string& encoder : encoder_names()) {
        const std::string coding = coding_name(encoder);
        const std::string whole = encoded(encoder, plain);
        const std::vector<std::pair<std::string, std::string>> rows{
            {"cut", whole.substr(0, whole.size() - 1)},
            {"one byte", whole.substr(0, 1)},
            {"bytes behind it", whole + "garbage"},
            {"plain JSON", plain},
        };
        TestClient client = gateway_->connect();
        for (const auto& [name, body] : rows) {
            SCOPED_TRACE(encoder + ", " + name);
            client.send(chat(coding, body));
            const Response response = client.read_response();
            expect_error(response, {.status = 400, .code = "invalid_body"});
            EXPECT_NE(response.body.find("(" + coding + ": "), std::string::npos) << response.body;
        }
        client.send(chat(coding, encoded(encoder, "{\"model\":")));
        expect_error(client.read_response(), {.status = 400, .code = "invalid_json"});
        client.send(chat(coding, encoded(encoder, "")));
        expect_error(client.read_response(), {.status = 400, .code = "invalid_json"});
        client.send(chat(coding, ""));
        expect_error(client.read_response(), {.status = 400, .code = "invalid_json"});
        client.send(chat(coding, whole));
        expect_success(client.read_response());
        // Chunked, the next message could begin anywhere.
        EXPECT_EQ(gateway_->send(chunked("/v1/chat/completions", coding, plain)).status, 400);
    }
    EXPECT_EQ(upstream_.requests().size(), encoder_names().size());
}

TEST_F(CodedRequests, AreBoundByWhatTheyAreDecoded) {
    start("64KiB");
    const std::string shell = long_chat_body("m", 0);
    const std::size_t filler = 64 * 1024 - shell.size();
    for (const std::string& encoder : encoder_names()) {
        const std::string coding = coding_name(encoder);
        for (const std::size_t more : {std::size_t{0}, std::size_t{1}, std::size_t{300'000}}) {
            SCOPED_TRACE(encoder + ", " + std::to_string(more) + " too many");
            std::string body = shell;
            body.insert(body.find("\"}],"), std::string(filler + more, 'x'));
            const std::string coded = encoded(encoder, body);
            for (const std::string& bytes :
                 {chat(coding, coded), chunked("/v1/chat/completions", coding, coded)}) {
                const Response response = gateway_->send(bytes);
                if (more == 0) {
                    expect_success(response);
                    continue;
                }
                expect_error(response,
                             {.status = 413,
                              .code = "request_too_large",
                              .message = "Request body exceeds 65536 bytes when decoded."});
                EXPECT_EQ(response.field("x-should-retry"), "false");
            }
        }
    }
}

TEST_F(CodedRequests, BombsAre413InFlatMemory) {
    start("1GiB");
    const std::size_t before = gateway_->daemon().resident_bytes();
    constexpr std::size_t bomb_bytes = 256 * mebibyte;
    for (const std::string encoder : {"gzip", "br", "zstd"}) {
        SCOPED_TRACE(encoder);
        // As JSON would have to be, white space might go on for ever.
        const std::string bomb = encoded_zeros(encoder, bomb_bytes);
        for (const std::string& bytes :
             {chat(encoder, bomb), chunked("/v1/chat/completions", encoder, bomb)}) {
            std::vector<TestClient> clients;
            for (int i = 0; i < 4; ++i) {
                clients.push_back(gateway_->connect());
                clients.back().send(bytes);
            }
            for (TestClient& client : clients) {
                expect_error(
                    client.read_response(),
                    {.status = 413,
                     .code = "request_too_large",
                     .message = "Request body exceeds 200 bytes for each compressed byte."});
            }
        }
        EXPECT_LT(gateway_->daemon().resident_bytes(), before + 64 * mebibyte);
    }
    EXPECT_TRUE(
        eventually([&] { return metric(*gateway_, "sluicegate_memory_buffered_bytes") == 0; }));
    expect_success(gateway_->chat(alice_key, "m"));
    EXPECT_EQ(upstream_.requests().size(), 1U);
}

TEST_F(CodedRequests, DecodersThatWaitAreCountedAndBound) {
    start("1MiB", "  memory: 4MiB\n");
    // Each claims a window of 8 MiB.
    const std::string window("\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00", 9);
    expect_error(gateway_->send(chat("zstd", window + "x")),
                 {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
    // These wait for the rest of their bodies.
    const std::string begun = encoded("br", long_chat_body("m", 100'000)).substr(0, 2000);
    std::vector<TestClient> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(gateway_->connect());
        clients.back().send(
            head("/v1/chat/completions", "br",
                 "Content-Type: application/json\r\nContent-Length: 20000\r\n\r\n") +
            begun);
    }
    ASSERT_TRUE(eventually([&] {
        return metric(*gateway_, "sluicegate_requests_total", {"outcome=\"overloaded\""}) > 20;
    }));
    EXPECT_LE(metric(*gateway_, "sluicegate_memory_buffered_bytes"), 4.0 * mebibyte);
    expect_success(gateway_->chat(bob_key, "m"));
    clients.clear();
    EXPECT_TRUE(
        eventually([&] { return metric(*gateway_, "sluicegate_memory_buffered_bytes") == 0; }));
}

TEST_F(CodedRequests, WithoutABodyNeedNoDecoder) {
    start();
    expect_success(gateway_->get("/v1/models", bearer(alice_key) + "Content-Encoding: gzip\r\n"));
}

}  // namespace
}  // namespace sluicegate::support
