// What the kinds of upstream and their options put on the wire: paths, credentials, extra fields.
#include "behaviour/routes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class UpstreamKinds : public testing::Test {
protected:
    UpstreamKinds() { sign(upstream_, "it"); }

    [[nodiscard]] std::string root() const {
        return "http://127.0.0.1:" + std::to_string(upstream_.port());
    }
    /// An upstream of these members, and models of it.
    [[nodiscard]] ConfigText config(const std::string& members) const {
        return routes_config("  up: {" + members + "}\n",
                             "  m: {route: [{upstream: up}]}\n"
                             "  named: {route: [{upstream: up, model: my-deployment}]}\n"
                             "  odd: {route: [{upstream: up, model: \"a/b:c+d\"}]}\n");
    }
    /// The last request that it got.
    [[nodiscard]] ReceivedRequest last() const { return upstream_.requests().back(); }

    FakeUpstream upstream_;
};

TEST_F(UpstreamKinds, AzureWithoutAVersionTakesOpenAisPathsAndItsOwnKeyField) {
    const Gateway gateway(
        config("kind: azure, base_url: \"" + root() + "/openai/v1\", api_key: azure-secret"));
    expect_answer_of(gateway.chat(alice_key, "named"), "it");
    EXPECT_EQ(last().target(), "/openai/v1/chat/completions");
    EXPECT_EQ(last().head.value("api-key"), "azure-secret");
    EXPECT_FALSE(last().head.has("authorization"));
    EXPECT_EQ(last().body, chat_body("my-deployment"));
}

TEST_F(UpstreamKinds, AzureWithAVersionNamesTheDeploymentInThePath) {
    const Gateway gateway(config("kind: azure, base_url: \"" + root() +
                                 "\", api_key: azure-secret, api_version: 2024-10-21"));
    expect_answer_of(gateway.chat(alice_key, "named"), "it");
    EXPECT_EQ(last().target(),
              "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21");
    EXPECT_EQ(last().head.value("api-key"), "azure-secret");
    EXPECT_FALSE(last().head.has("authorization"));
    expect_answer_of(gateway.stream(alice_key, "named"), "it", true);
    expect_answer_of(gateway.chat(alice_key, "m"), "it");
    EXPECT_EQ(last().target(), "/openai/deployments/m/chat/completions?api-version=2024-10-21");
    expect_answer_of(gateway.chat(alice_key, "odd"), "it");
    EXPECT_EQ(last().target().find("/openai/deployments/a%2Fb"), 0U) << last().target();
    static_cast<void>(
        gateway.send(post_json("/v1/embeddings", alice_key, R"({"model":"named","input":"x"})")));
    EXPECT_EQ(last().target(),
              "/openai/deployments/my-deployment/embeddings?api-version=2024-10-21");
    static_cast<void>(
        gateway.send(post_json("/v1/audio/speech", alice_key, R"({"model":"named","input":"x"})")));
    EXPECT_EQ(last().target(),
              "/openai/deployments/my-deployment/audio/speech?api-version=2024-10-21");
}

TEST_F(UpstreamKinds, AMissingDeploymentIsTheOperatorsMistakeAndLeadsElsewhere) {
    FakeUpstream second;
    sign(second, "second");
    ConfigText text = config("kind: azure, base_url: \"" + root() +
                             "\", api_key: k,"
                             " api_version: 2024-10-21");
    text.upstreams += upstream_line("second", second.base_url());
    text.models += "  both: {route: [{upstream: up}], fallback: [{upstream: second}]}\n";
    const Gateway gateway(text);
    upstream_.answer(Script().send(json_response(
        404, R"({"error":{"code":"DeploymentNotFound","message":"no such deployment"}})")));
    expect_answer_of(gateway.chat(alice_key, "both"), "second");
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 502);
}

TEST_F(UpstreamKinds, AKeyMayHaveAFieldOfItsOwn) {
    const Gateway gateway(config("kind: openai, base_url: \"" + root() +
                                 "/v1\", api_key: bare-secret, api_key_header: X-Api-Key"));
    expect_answer_of(gateway.chat(alice_key, "m"), "it");
    EXPECT_EQ(last().head.value("x-api-key"), "bare-secret");
    EXPECT_EQ(last().head.count("x-api-key"), 1U);
    EXPECT_FALSE(last().head.has("authorization"));
    EXPECT_EQ(upstream_.connections()[0].received.find(alice_key), std::string::npos);
}

TEST_F(UpstreamKinds, ExtraFieldsAreSentWithEveryRequest) {
    DaemonOptions options;
    options.environment = {{"SLUICEGATE_TEST_TITLE", "from the environment"}};
    options.files = {{"organization.txt", "org-from-a-file\n"}};
    const Gateway gateway(config("kind: openai, base_url: \"" + root() +
                                 "/v1\", api_key: k, headers: {HTTP-Referer: https://app.test/,"
                                 " X-Title: \"${SLUICEGATE_TEST_TITLE}\","
                                 " OpenAI-Organization: \"file:organization.txt\"}"),
                          options);
    for (const bool is_streaming : {false, true}) {
        // What a client sends under these names does not get through beside them.
        expect_answer_of(
            gateway.send(post_json("/v1/chat/completions", alice_key, chat_body("m", is_streaming),
                                   "X-Title: client's\r\nOpenAI-Organization: org-client\r\n")),
            "it", is_streaming);
        EXPECT_EQ(last().head.value("http-referer"), "https://app.test/");
        EXPECT_EQ(last().head.value("x-title"), "from the environment");
        EXPECT_EQ(last().head.count("x-title"), 1U);
        EXPECT_EQ(last().head.value("openai-organization"), "org-from-a-file");
        EXPECT_EQ(last().head.count("openai-organization"), 1U);
    }
}

TEST_F(UpstreamKinds, FieldsThatFrameOrRouteCannotBeAdded) {
    for (const std::string name :
         {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Authorization"}) {
        SCOPED_TRACE(name);
        const TemporaryFolder folder;
        const std::string file = folder.write(
            "sluicegate.yaml", config("kind: openai, base_url: \"" + root() +
                                      "/v1\", api_key: k, headers: {" + name + ": \"x\"}")
                                   .text());
        const CommandResult result = run_binary({"check", file});
        EXPECT_EQ(result.status, 3) << result.output;
        EXPECT_NE(result.output.find("upstreams.up.headers"), std::string::npos) << result.output;
    }
}

TEST_F(UpstreamKinds, SecretsInFieldsReachNoLogAndNoError) {
    ConfigText text = config("kind: openai, base_url: \"" + root() +
                             "/v1\", api_key: secret-one, headers: {X-Gate: secret-two}");
    text.log_level = "debug";
    Gateway gateway(text);
    upstream_.answer(Script().send(json_response(401, "secret-two secret-one")));
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_EQ(response.status, 502);
    ASSERT_TRUE(gateway.daemon().wait_for_event("access"));
    for (const std::string& text_seen :
         {response.body, gateway.daemon().log(), gateway.admin("/status").body,
          gateway.admin("/metrics").body}) {
        EXPECT_EQ(text_seen.find("secret-one"), std::string::npos);
        EXPECT_EQ(text_seen.find("secret-two"), std::string::npos);
    }
}

TEST_F(UpstreamKinds, EachOneIsAskedInItsOwnWayDuringOneRequest) {
    FakeUpstream azure;
    sign(azure, "azure");
    ConfigText text =
        config("kind: openai, base_url: \"" + root() + "/api/v1\", api_key: open-secret");
    text.upstreams +=
        "  azure: {kind: azure, base_url: \"http://127.0.0.1:" + std::to_string(azure.port()) +
        "\", api_key: azure-secret, api_version: 2024-10-21}\n";
    text.models +=
        "  both: {route: [{upstream: up, model: open-model}],"
        " fallback: [{upstream: azure, model: azure-model}]}\n";
    const Gateway gateway(text);
    upstream_.answer(Script().send(json_response(500, "{}")));
    expect_answer_of(gateway.chat(alice_key, "both"), "azure");
    EXPECT_EQ(last().target(), "/api/v1/chat/completions");
    EXPECT_EQ(last().head.value("authorization"), "Bearer open-secret");
    EXPECT_FALSE(last().head.has("api-key"));
    const ReceivedRequest second = azure.requests().back();
    EXPECT_EQ(second.target(),
              "/openai/deployments/azure-model/chat/completions?api-version=2024-10-21");
    EXPECT_EQ(second.head.value("api-key"), "azure-secret");
    EXPECT_FALSE(second.head.has("authorization"));
}

TEST_F(UpstreamKinds, StreamOptionsAreAFlagOfEachUpstream) {
    FakeUpstream plain;
    sign(plain, "plain");
    ConfigText text = config("kind: openai, base_url: \"" + root() + "/v1\", api_key: k");
    text.upstreams += upstream_line("plain", plain.base_url(), "takes_stream_options: false");
    text.models += "  both: {route: [{upstream: up}], fallback: [{upstream: plain}]}\n";
    const Gateway gateway(text);
    upstream_.answer(Script().send(json_response(500, "{}")));
    expect_answer_of(gateway.stream(alice_key, "both"), "plain", true);
    EXPECT_NE(last().body.find("include_usage"), std::string::npos);
    EXPECT_EQ(plain.requests().back().body.find("stream_options"), std::string::npos);
}

}  // namespace
}  // namespace sluicegate::support
