#include "sluicegate/openai/api_error.hpp"

#include "sluicegate/openai/sse_scanner.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluicegate::openai {
namespace {

const ApiError full{.message = "It \"broke\".\n",
                    .type = "server_error",
                    .code = "upstream_closed",
                    .param = "model"};
const ApiError bare{.message = "Broken.", .type = "server_error", .code = {}, .param = {}};

TEST(ApiError, HasFourFieldsWhoseAbsenceIsNull) {
    EXPECT_EQ(error_body(full), R"({"error":{"message":"It \"broke\".\n","type":"server_error",)"
                                R"("param":"model","code":"upstream_closed"}})");
    EXPECT_EQ(error_body(bare),
              R"({"error":{"message":"Broken.","type":"server_error","param":null,"code":null}})");
}

TEST(ApiError, StaysJsonWhateverTheTextHolds) {
    const ApiError odd{
        .message = std::string("\0\x1f\xFF", 3), .type = "\\", .code = {}, .param = {}};
    EXPECT_TRUE(nlohmann::json::accept(error_body(odd)));
}

TEST(ApiError, KeepsTheRateLimitBodyByteForByte) {
    EXPECT_EQ(rate_limit_body,
              "{\"error\":{\"message\":\"Rate limit exceeded. Please try again later.\","
              "\"type\":\"rate_limit_error\",\"code\":429}}");
}

TEST(ApiError, TellsAStreamInTheFormOfItsEndpoint) {
    EXPECT_EQ(stream_error(Endpoint::chat_completions, bare, 7),
              "data: {\"error\":{\"message\":\"Broken.\",\"type\":\"server_error\","
              "\"param\":null,\"code\":null}}\n\n");
    const std::string event = stream_error(Endpoint::responses, full, 7);
    const std::string head = "event: error\ndata: ";
    ASSERT_TRUE(event.starts_with(head));
    ASSERT_TRUE(event.ends_with("}\n\n"));
    const auto data = nlohmann::json::parse(event.substr(head.size()));
    EXPECT_EQ(data, nlohmann::json({{"type", "error"},
                                    {"sequence_number", 7},
                                    {"code", "upstream_closed"},
                                    {"message", "It \"broke\".\n"},
                                    {"param", "model"},
                                    {"error",
                                     {{"message", "It \"broke\".\n"},
                                      {"type", "server_error"},
                                      {"param", "model"},
                                      {"code", "upstream_closed"}}}}));
}

TEST(ApiError, IsSeenAsAnErrorByTheScanner) {
    for (const Endpoint endpoint :
         {Endpoint::chat_completions, Endpoint::completions, Endpoint::responses,
          Endpoint::images_generations, Endpoint::audio_transcriptions}) {
        SCOPED_TRACE(name_of(endpoint));
        const std::string event = stream_error(endpoint, full, 3);
        SseScanner scanner(endpoint);
        EXPECT_EQ(scanner.complete_prefix(event), event.size());
        EXPECT_TRUE(scanner.error_seen());
        EXPECT_FALSE(scanner.finished());
    }
}

TEST(ApiError, ARejectionHasItsFixedBodyUnlessAskedOtherwise) {
    EXPECT_EQ(rejection_body("", false), rate_limit_body);
    EXPECT_EQ(
        rejection_body("", true),
        R"({"error":{"message":"Rate limit exceeded. Please try again later.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}})");
    EXPECT_EQ(rejection_body("Ask \"less\".", false),
              R"({"error":{"message":"Ask \"less\".","type":"rate_limit_error","code":429}})");
}

}  // namespace
}  // namespace sluicegate::openai
