#include "behaviour/routes.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace sluicegate::support {

ConfigText routes_config(const std::string& upstreams, const std::string& models) {
    ConfigText text("http://127.0.0.1:1/v1");
    text.upstreams = upstreams;
    text.models = models;
    text.groups = "  default: {}\n";
    text.users = user_lines("alice", alice_key) + user_lines("bob", bob_key) +
                 user_lines("carol", carol_key);
    text.retries = "retries: {budget: 100%, minimum: 1000, repeat_timeouts: true}\n";
    return text;
}

std::string endpoints_line(const std::string& name, const std::vector<std::string>& urls,
                           const std::string& options) {
    std::string list;
    for (const std::string& url : urls) list += (list.empty() ? "\"" : ", \"") + url + "\"";
    return "  " + name + ": {kind: openai, endpoints: [" + list + "], api_key: \"" +
           std::string(upstream_key) + "\"" + (options.empty() ? "" : ", " + options) + "}\n";
}

std::string user_lines(const std::string& name, std::string_view key, const std::string& more) {
    return "  " + name + ":\n" + more + "    keys:\n" + key_line(name + "-1", key);
}

std::string signed_answer(std::string_view text, bool is_streaming, int prompt_tokens,
                          int completion_tokens, const FieldText& more_fields) {
    const std::string usage = R"("usage":{"prompt_tokens":)" + std::to_string(prompt_tokens) +
                              R"(,"completion_tokens":)" + std::to_string(completion_tokens) +
                              R"(,"total_tokens":)" +
                              std::to_string(prompt_tokens + completion_tokens) + "}}";
    if (is_streaming) {
        return sse_head(more_fields) + chunk(chat_event(text)) +
               chunk(usage_event(prompt_tokens, completion_tokens) + std::string(done_event)) +
               chunk("");
    }
    return json_response(200,
                         R"({"id":"chatcmpl-1","object":"chat.completion","created":1,)"
                         R"("model":"m","choices":[{"index":0,"message":{"role":"assistant",)"
                         R"("content":")" +
                             std::string(text) + R"("},"finish_reason":"stop"}],)" + usage,
                         more_fields);
}

bool asks_for_stream(const ReceivedRequest& request) {
    return request.body.find(R"("stream":true)") != std::string::npos;
}

void sign(FakeUpstream& upstream, const std::string& text, milliseconds delay,
          const FieldText& more_fields) {
    upstream.answer_with([=](const ReceivedRequest& request) {
        Script script;
        if (delay > milliseconds(0)) script.pause(delay);
        return script.send(signed_answer(text, asks_for_stream(request), 1, 1, more_fields));
    });
}

void sign_and_count(FakeUpstream& upstream, const std::string& text, OpenRequests& open,
                    milliseconds delay) {
    upstream.answer_with([=, &open](const ReceivedRequest& request) {
        open.begin();
        return Script()
            .pause(delay)
            .call([&open] { open.end(); })
            .send(signed_answer(text, asks_for_stream(request)));
    });
}

void expect_answer_of(const Response& response, std::string_view text, bool is_streaming) {
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_TRUE(response.is_complete) << response.body;
    EXPECT_EQ(response.head.count("x-request-id"), 1U);
    const std::string content = "\"content\":\"" + std::string(text) + "\"";
    std::size_t contents = 0;
    for (std::size_t at = response.body.find("\"content\""); at != std::string::npos;
         at = response.body.find("\"content\"", at + 1)) {
        ++contents;
    }
    EXPECT_EQ(contents, 1U) << response.body;
    EXPECT_NE(response.body.find(content), std::string::npos) << response.body;
    if (!is_streaming) return;
    EXPECT_EQ(response.field("content-type").substr(0, 17), "text/event-stream");
    EXPECT_EQ(response.body.find(done_event), response.body.size() - done_event.size())
        << response.body;
}

std::int64_t attempts_of(const Response& response) {
    return number_in(response, "x-sluicegate-attempts");
}

std::size_t count(const FakeUpstream& upstream) {
    return upstream.requests().size();
}

void run_load(const Gateway& gateway, const Load& load,
              const std::function<void(const Response&)>& check) {
    std::vector<std::thread> threads;
    for (int i = 0; i < load.clients; ++i) {
        threads.emplace_back([&] {
            try {
                TestClient client = gateway.connect();
                for (int j = 0; j < load.each; ++j) {
                    client.send(load.request);
                    check(client.read_response());
                }
            } catch (const std::exception& problem) {
                ADD_FAILURE() << problem.what();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

}  // namespace sluicegate::support
