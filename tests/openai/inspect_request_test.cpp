#include "sluicegate/openai/inspect_request.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

Result<Inspection> inspected_by_type(Endpoint endpoint, std::string_view type, std::string body) {
    const std::size_t size = body.size();
    body.resize(size + body_padding);
    return inspect(endpoint, type, body.data(), size);
}

constexpr std::string_view json = R"({"model":"m"})";
constexpr std::string_view form =
    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--";

TEST(InspectRequest, ChoosesByTheMediaType) {
    struct Row {
        Endpoint endpoint;
        std::string_view type;
        bool is_multipart;
    };
    const Row rows[] = {
        {Endpoint::chat_completions, "application/json", false},
        {Endpoint::chat_completions, "Application/JSON; charset=UTF-8", false},
        {Endpoint::chat_completions, "application/json;charset=\"utf-8\"", false},
        {Endpoint::chat_completions, " application/json; ", false},
        {Endpoint::embeddings, "application/vnd.x+json; version=1", false},
        {Endpoint::images_edits, "application/json", false},
        {Endpoint::images_edits, "multipart/form-data; boundary=b", true},
        {Endpoint::images_variations, "multipart/form-data; boundary=b", true},
        {Endpoint::audio_transcriptions, "multipart/form-data; boundary=b", true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.type);
        const auto found =
            inspected_by_type(row.endpoint, row.type, std::string(row.is_multipart ? form : json));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->model, "m");
        EXPECT_EQ(found->is_multipart, row.is_multipart);
    }
}

TEST(InspectRequest, RefusesOtherMediaTypes) {
    struct Row {
        Endpoint endpoint;
        std::string_view type;
    };
    const Row rows[] = {
        {Endpoint::chat_completions, ""},
        {Endpoint::chat_completions, "text/plain"},
        {Endpoint::chat_completions, "application/x-www-form-urlencoded"},
        {Endpoint::chat_completions, "application/json, text/plain"},
        {Endpoint::chat_completions, "application/json; charset=utf-16"},
        {Endpoint::chat_completions, "application/json; charset=utf-8; charset=utf-8"},
        {Endpoint::chat_completions, "application/json; charset*0=utf-7"},
        {Endpoint::chat_completions, "application/json; charset*=utf-8''utf-7"},
        {Endpoint::chat_completions, "application/json; charset*0*=utf-7"},
        {Endpoint::chat_completions, "application/json; charset*0=u; charset*1=tf-7"},
        {Endpoint::chat_completions, "application/json; charset=utf-8; charset*0=utf-7"},
        {Endpoint::chat_completions, "application/json; CHARSET*=utf-7; charset=utf-8"},
        {Endpoint::chat_completions, "application/x+json; charset*0=\"utf-7\""},
        {Endpoint::chat_completions, "application/json x"},
        {Endpoint::chat_completions, "application/"},
        {Endpoint::chat_completions, "application"},
        {Endpoint::chat_completions, "application/json; =x"},
        {Endpoint::chat_completions, "application/json; a"},
        {Endpoint::chat_completions, "application/json; a=\"b"},
        {Endpoint::chat_completions, "application/jsonx"},
        {Endpoint::chat_completions, "multipart/form-data; boundary=b"},
        {Endpoint::audio_transcriptions, "application/json"},
        {Endpoint::models_list, "application/json"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.type);
        auto found = inspected_by_type(row.endpoint, row.type, std::string(json));
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, ErrorKind::unsupported_media_type);
    }
}

}  // namespace
}  // namespace sluicegate::openai
