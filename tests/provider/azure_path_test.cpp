#include "provider/azure_path.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::provider {
namespace {

using openai::Endpoint;

std::string path_of(Endpoint endpoint, std::string_view deployment) {
    std::string out = "[";
    append_dated_path(out, endpoint, deployment);
    return out;
}

TEST(AzurePath, NamesTheDeploymentWhereItOwnsTheEndpoint) {
    struct Row {
        Endpoint endpoint;
        const char* path;
    };
    const Row rows[] = {
        {Endpoint::chat_completions, "[/openai/deployments/d/chat/completions"},
        {Endpoint::completions, "[/openai/deployments/d/completions"},
        {Endpoint::responses, "[/openai/responses"},
        {Endpoint::embeddings, "[/openai/deployments/d/embeddings"},
        {Endpoint::moderations, "[/openai/moderations"},
        {Endpoint::images_generations, "[/openai/deployments/d/images/generations"},
        {Endpoint::images_edits, "[/openai/deployments/d/images/edits"},
        {Endpoint::audio_speech, "[/openai/deployments/d/audio/speech"},
        {Endpoint::audio_transcriptions, "[/openai/deployments/d/audio/transcriptions"},
        {Endpoint::audio_translations, "[/openai/deployments/d/audio/translations"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(name_of(row.endpoint));
        EXPECT_EQ(path_of(row.endpoint, "d"), row.path);
    }
}

TEST(AzurePath, EncodesTheDeployment) {
    struct Row {
        std::string deployment;
        std::string segment;
    };
    const Row rows[] = {
        {"gpt-4o_v1.2~x", "gpt-4o_v1.2~x"},
        {"a b", "a%20b"},
        {"org/model", "org%2Fmodel"},
        {"a?api-version=1#b", "a%3Fapi-version%3D1%23b"},
        {"50%", "50%25"},
        {"é", "%C3%A9"},
        {"\r\nx: y", "%0D%0Ax%3A%20y"},
        {std::string("\0\xff", 2), "%00%FF"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.segment);
        EXPECT_EQ(path_of(Endpoint::embeddings, row.deployment),
                  "[/openai/deployments/" + row.segment + "/embeddings");
    }
}

}  // namespace
}  // namespace sluicegate::provider
