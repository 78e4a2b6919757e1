// Failed attempts to authenticate are bounded by address; a valid key is served all the same.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view wrong_key = "sk-sg-wrong-key-8888888888888888888888888888888";

class AuthThrottle : public testing::Test {
protected:
    ConfigText config(const std::string& failures) {
        ConfigText text(upstream_.base_url());
        if (!failures.empty()) {
            text.server_lines = "  auth_failures_per_minute: " + failures + "\n";
        }
        return text;
    }
    static void expect_throttled(const Response& response) {
        expect_error(response,
                     {.status = 429, .type = "rate_limit_error", .code = "auth_rate_limited"});
        EXPECT_GE(number_in(response, "retry-after"), 1);
        EXPECT_LE(number_in(response, "retry-after"), 65);
        EXPECT_EQ(response.field("x-should-retry"), "false");
        EXPECT_EQ(to_lower(response.field("connection")), "close");
    }

    FakeUpstream upstream_;
};

TEST_F(AuthThrottle, LetsSixtyFailInAMinuteAndAValidKeyIsAlwaysServed) {
    const Gateway gateway(config(""));
    for (int i = 0; i < 60; ++i) {
        EXPECT_EQ(gateway.chat(wrong_key, "m").status, 401) << i;
    }
    for (int i = 0; i < 3; ++i) {
        expect_throttled(gateway.chat(wrong_key, "m"));
        expect_success(gateway.chat(alice_key, "m"));
    }
    EXPECT_EQ(metric(gateway, "sluicegate_auth_failures_total"), 63) << "all of them are counted";
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_requests_total", {"outcome=\"auth_rate_limited\""}) == 3;
    }));
}

TEST_F(AuthThrottle, CountsEveryWayToFail) {
    const std::string json = "Content-Type: application/json\r\n";
    struct Row {
        std::string name, method, bytes;
    };
    const std::vector<Row> rows{
        {"unknown key", "POST", chat_request(wrong_key, "m")},
        {"no key", "POST", request("POST", "/v1/chat/completions", json, chat_body("m"))},
        {"two keys", "POST",
         request("POST", "/v1/chat/completions",
                 bearer(alice_key) + "x-api-key: " + std::string(bob_key) + "\r\n" + json,
                 chat_body("m"))},
        {"another scheme", "POST",
         request("POST", "/v1/chat/completions", "Authorization: Basic YTpi\r\n" + json,
                 chat_body("m"))},
        {"expired", "POST", chat_request(expired_key, "m")},
        {"from elsewhere", "POST", chat_request(elsewhere_key, "m")},
        {"list of models", "GET", request("GET", "/v1/models", bearer(wrong_key))},
        {"one model", "GET", request("GET", "/v1/models/m", "api-key: nothing\r\n")},
        {"multipart", "POST",
         request("POST", "/v1/audio/transcriptions",
                 bearer(wrong_key) + "Content-Type: multipart/form-data; boundary=b\r\n",
                 "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n")},
        {"a body that is not sent", "POST",
         "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + bearer(wrong_key) + json +
             "Content-Length: 100000\r\n\r\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Gateway gateway(config("2"));
        const int status = gateway.send(row.bytes, row.method).status;
        EXPECT_TRUE(status == 401 || status == 403) << status;
        EXPECT_EQ(gateway.send(row.bytes, row.method).status, status);
        expect_throttled(gateway.send(row.bytes, row.method));
        expect_success(gateway.chat(alice_key, "m"));
    }
}

TEST_F(AuthThrottle, AnswersHeadWithoutABody) {
    const Gateway gateway(config("1"));
    const std::string bytes = request("HEAD", "/v1/models", bearer(wrong_key));
    EXPECT_EQ(gateway.send(bytes, "HEAD").status, 401);
    const Response second = gateway.send(bytes, "HEAD");
    EXPECT_EQ(second.status, 429);
    EXPECT_GE(number_in(second, "retry-after"), 1);
    EXPECT_EQ(second.body, "");
}

TEST_F(AuthThrottle, EndsAPipelineOfGuesses) {
    const Gateway gateway(config("5"));
    TestClient client = gateway.connect();
    std::string guesses;
    for (int i = 0; i < 20; ++i) guesses += chat_request(wrong_key, "m");
    client.send(guesses);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(client.read_response().status, 401);
    expect_throttled(client.read_response());
    EXPECT_NE(client.read_to_end(), ReadEnd::timeout);
    EXPECT_EQ(client.unread(), "") << "nothing behind the 429 is answered";
}

TEST_F(AuthThrottle, HoldsForAllListenersAndWorkersTogether) {
    const CertificateAuthority authority;
    ConfigText text = config("6");
    text.threads = "4";
    text.listener_tls = tls_listener;
    Gateway gateway(text, files_of(authority.issue()));
    const SslContext context = client_context(authority.certificate(), "localhost");
    const auto over_tls = [&](std::string_view key) {
        TestClient client(gateway.daemon().port("client_tls"), context.get(), "localhost");
        client.send(chat_request(key, "m"));
        return client.read_response();
    };
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(over_tls(wrong_key).status, 401);
        EXPECT_EQ(gateway.chat(wrong_key, "m").status, 401);
    }
    expect_throttled(over_tls(wrong_key));
    expect_throttled(gateway.chat(wrong_key, "m"));
    expect_success(over_tls(alice_key));
}

TEST_F(AuthThrottle, CanBeTurnedOff) {
    for (const std::string value : {"off", "0"}) {
        const Gateway gateway(config(value));
        for (int i = 0; i < 100; ++i) ASSERT_EQ(gateway.chat(wrong_key, "m").status, 401) << value;
    }
}

TEST_F(AuthThrottle, ChangesWithAReload) {
    Gateway gateway(config("1"));
    EXPECT_EQ(gateway.chat(wrong_key, "m").status, 401);
    expect_throttled(gateway.chat(wrong_key, "m"));
    ASSERT_EQ(gateway.daemon().reload(config("3").text())["event"], "reloaded");
    EXPECT_EQ(gateway.chat(wrong_key, "m").status, 401);
}

TEST_F(AuthThrottle, SumsUpTheAccessLinesOfAFloodAndLosesNone) {
    struct Row {
        std::string name, bytes;
    };
    const std::vector<Row> rows{{"wrong keys", chat_request(wrong_key, "m")},
                                {"no keys", request("GET", "/v1/models", "")},
                                {"unknown URLs", request("GET", "/nowhere", "")}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Gateway gateway(config(""));
        constexpr int failures = 300;
        for (int i = 0; i < failures; ++i) {
            EXPECT_GE(gateway.send(row.bytes).status, 401);
        }
        expect_success(gateway.chat(alice_key, "m"));
        gateway.daemon().signal(SIGTERM);
        ASSERT_TRUE(gateway.daemon().wait_for_exit());
        std::istringstream log(gateway.daemon().log());
        int lines = 0;
        std::int64_t requests = 0;
        int served = 0;
        for (std::string line; std::getline(log, line);) {
            const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
            if (!parsed.is_object() || parsed.value("event", "") != "access") continue;
            if (parsed.value("status", 0) == 200) {
                ++served;
                EXPECT_FALSE(parsed.contains("repeated"));
                continue;
            }
            ++lines;
            requests += parsed.value("repeated", std::int64_t{1});
            EXPECT_EQ(parsed.value("client", ""), "127.0.0.1");
        }
        EXPECT_EQ(requests, failures);
        EXPECT_LE(lines, 50);
        EXPECT_EQ(served, 1);
    }
}

TEST_F(AuthThrottle, TakesInLittleOfAnUploadWithoutAKey) {
    const Gateway gateway(config(""));
    for (const std::string& key : {std::string(), bearer(wrong_key)}) {
        TestClient client = gateway.connect();
        client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + key +
                    "Content-Type: application/json\r\nContent-Length: 30000000\r\n\r\n");
        std::size_t sent = 0;
        const std::string piece(std::size_t{1} << 20, 'x');
        for (int i = 0; i < 28; ++i) {
            const std::size_t size = client.send(piece, Deadline(milliseconds(3000)));
            sent += size;
            if (size < piece.size()) break;
        }
        // The kernel's buffers on both sides take some megabytes.
        EXPECT_LT(sent, std::size_t{20} << 20);
    }
}

}  // namespace
}  // namespace sluicegate::support
