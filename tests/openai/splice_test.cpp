#include "sluicegate/openai/splice.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::openai {
namespace {

std::string joined(const Rewritten& rewritten) {
    std::string out;
    for (const std::string_view piece : rewritten.pieces()) out += piece;
    EXPECT_EQ(out.size(), rewritten.size());
    return out;
}

std::string with_model(std::string body, std::string_view upstream_model) {
    const std::size_t size = body.size();
    body.resize(size + body_padding);
    const auto found = inspect_json(Endpoint::chat_completions, body.data(), size);
    EXPECT_TRUE(found);
    if (!found) return {};
    return joined(rewrite(*found, std::string_view(body).substr(0, size), upstream_model));
}

TEST(Splice, ReplacesOnlyTheModelOfAJsonBody) {
    EXPECT_EQ(with_model(R"({"seed":12345678901234567890, "model" : "m" ,"a":1.0})", "up/stream"),
              R"({"seed":12345678901234567890, "model" : "up/stream" ,"a":1.0})");
    EXPECT_EQ(with_model(R"({"mod\u0065l":"\u006d"})", "longer name"),
              R"({"mod\u0065l":"longer name"})");
    EXPECT_EQ(with_model(R"({"model":"m"})", "a\"b\\c"), R"({"model":"a\"b\\c"})");
    EXPECT_EQ(with_model(R"({"x":{"model":"m"},"model":"m"})", "n"),
              R"({"x":{"model":"m"},"model":"n"})");
}

TEST(Splice, ReplacesOnlyTheModelOfAForm) {
    const std::string head = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
    const std::string tail =
        "\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nm\r\n--b--";
    const std::string body = head + "m" + tail;
    const auto found =
        inspect_multipart(Endpoint::audio_transcriptions, "multipart/form-data; boundary=b", body);
    ASSERT_TRUE(found);
    EXPECT_EQ(joined(rewrite(*found, body, "whisper \"1\"")), head + "whisper \"1\"" + tail);
}

}  // namespace
}  // namespace sluicegate::openai
