#include "sluicegate/openai/affinity.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

std::optional<std::uint64_t> hash_of(std::string body, std::size_t bytes,
                                     Endpoint endpoint = Endpoint::chat_completions) {
    const std::size_t size = body.size();
    body.resize(size + body_padding);
    const auto found = inspect_json(endpoint, body.data(), size);
    EXPECT_TRUE(found);
    return found ? affinity_hash(*found, std::string_view(body).substr(0, size), bytes)
                 : std::nullopt;
}

std::string message(std::string_view role, std::string_view text) {
    return R"({"role":")" + std::string(role) + R"(","content":")" + std::string(text) + "\"}";
}

std::string chat(std::string_view messages, std::string_view model = "m") {
    return R"({"model":")" + std::string(model) + R"(","messages":[)" + std::string(messages) +
           R"(],"stream":true})";
}

TEST(Affinity, AgreesFromTurnToTurnOnceTheFirstIsLongEnough) {
    const std::string first = message("system", std::string(300, 's'));
    const std::string second = first + "," + message("assistant", "Yes.");
    const std::size_t messages_size = first.size() + 1;  // with the bracket that opens them
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{256}, messages_size}) {
        SCOPED_TRACE(bytes);
        EXPECT_EQ(hash_of(chat(first), bytes), hash_of(chat(second), bytes));
    }
    EXPECT_NE(hash_of(chat(first), messages_size + 1), hash_of(chat(second), messages_size + 1));
}

TEST(Affinity, LooksAtNothingButTheConversation) {
    const std::string text = message("user", "Hello, what is the weather like?");
    const auto hash = hash_of(chat(text), 1024);
    EXPECT_EQ(hash, hash_of(R"({"temperature":1,"messages":[)" + text + R"(],"model":"x"})", 1024));
    EXPECT_NE(hash, hash_of(chat(message("user", "Hello, what was the weather like?")), 1024));
    // Bytes after the hashed ones do not matter.
    EXPECT_EQ(hash_of(chat(message("user", "Hello, A")), 20),
              hash_of(chat(message("user", "Hello, B")), 20));
}

TEST(Affinity, FindsTheConversationOfEachEndpoint) {
    struct Row {
        const char* name;
        Endpoint endpoint;
        const char* body;
        bool has_one;
    };
    const Row rows[] = {
        {"chat", Endpoint::chat_completions, R"({"model":"m","messages":[1,2]})", true},
        {"no messages", Endpoint::chat_completions, R"({"model":"m","input":[1]})", false},
        {"empty messages", Endpoint::chat_completions, R"({"model":"m","messages":[]})", true},
        {"nested messages", Endpoint::chat_completions, R"({"model":"m","x":{"messages":[1]}})",
         false},
        {"an escaped key", Endpoint::chat_completions, R"({"model":"m","m\u0065ssages":[1]})",
         true},
        {"responses", Endpoint::responses, R"({"model":"m","input":"text"})", true},
        {"responses, a list", Endpoint::responses, R"({"model":"m","input":[{"a":1}]})", true},
        {"embeddings", Endpoint::embeddings, R"({"model":"m","input":["a","b"]})", true},
        {"completions", Endpoint::completions, R"({"model":"m","prompt":"text"})", true},
        {"completions, a list", Endpoint::completions, R"({"model":"m","prompt":["a","b"]})", true},
        {"completions, token ids", Endpoint::completions, R"({"model":"m","prompt":[1,2]})", true},
        {"a prompt of another endpoint", Endpoint::images_generations,
         R"({"model":"m","prompt":"text"})", false},
        {"an input of another endpoint", Endpoint::moderations, R"({"model":"m","input":"text"})",
         false},
        {"a list of prompts of another endpoint", Endpoint::chat_completions,
         R"({"model":"m","prompt":["a"]})", false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(hash_of(row.body, 1024, row.endpoint).has_value(), row.has_one);
    }
}

TEST(Affinity, TakesTheWholeMemberOfCompletions) {
    for (const std::string_view prompt : {R"("text")", R"([ "a", [1,2] ])", "[1]", "[]"}) {
        SCOPED_TRACE(prompt);
        std::string body = R"({"prompt": )" + std::string(prompt) + R"( ,"model":"m"})";
        const std::size_t size = body.size();
        body.resize(size + body_padding);
        const auto found = inspect_json(Endpoint::completions, body.data(), size);
        ASSERT_TRUE(found);
        EXPECT_EQ(body.substr(found->conversation.offset, found->conversation.size), prompt);
    }
}

TEST(Affinity, KnowsNoneOfAForm) {
    const std::string body =
        "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
        "--b\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\ntext\r\n--b--\r\n";
    const auto found =
        inspect_multipart(Endpoint::images_edits, "multipart/form-data; boundary=b", body);
    ASSERT_TRUE(found);
    EXPECT_EQ(affinity_hash(*found, body, 1024), std::nullopt);
}

TEST(Affinity, SpreadsConversationsOverEndpoints) {
    // The hash chooses the endpoint: each of 8 endpoints must get its share of 1000 conversations.
    std::size_t counts[8] = {};
    std::set<std::uint64_t> hashes;
    for (int user = 0; user < 1000; ++user) {
        const auto hash = hash_of(chat(message("user", "I am number " + std::to_string(user))), 64);
        ASSERT_TRUE(hash);
        ++counts[*hash % 8];
        hashes.insert(*hash);
    }
    EXPECT_EQ(hashes.size(), 1000U);
    for (const std::size_t count : counts) {
        EXPECT_GT(count, 85U);
        EXPECT_LT(count, 170U);
    }
}

}  // namespace
}  // namespace sluicegate::openai
