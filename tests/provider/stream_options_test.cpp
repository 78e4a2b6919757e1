#include "sluicegate/provider/stream_options.hpp"

#include <gtest/gtest.h>

namespace sluicegate::provider {
namespace {

using openai::Endpoint;

openai::Inspection streaming() {
    openai::Inspection inspection;
    inspection.is_streaming = true;
    return inspection;
}

TEST(StreamOptions, AskForTheUsageThatTheClientDidNotAskFor) {
    config::Upstream upstream;
    const auto edit_for = [&upstream](Endpoint asked, const openai::Inspection& inspection,
                                      bool has_refused = false) {
        return stream_options_for(upstream, asked, inspection, has_refused);
    };
    EXPECT_TRUE(edit_for(Endpoint::chat_completions, streaming()).include_usage);
    EXPECT_FALSE(edit_for(Endpoint::chat_completions, streaming()).continuous_usage_stats);
    EXPECT_TRUE(edit_for(Endpoint::completions, streaming()).include_usage);
    EXPECT_FALSE(edit_for(Endpoint::responses, streaming()).include_usage) << "has none";
    EXPECT_FALSE(edit_for(Endpoint::chat_completions, {}).include_usage) << "no stream";
    openai::Inspection asks = streaming();
    asks.wants_usage = true;
    EXPECT_FALSE(edit_for(Endpoint::chat_completions, asks).include_usage);

    upstream.continuous_usage = true;
    EXPECT_TRUE(edit_for(Endpoint::chat_completions, asks).continuous_usage_stats);
}

TEST(StreamOptions, AreLeftAloneWhereTheUpstreamRefusesThem) {
    config::Upstream upstream;
    const auto asks = [&upstream](bool has_refused) {
        return stream_options_for(upstream, Endpoint::chat_completions, streaming(), has_refused)
            .include_usage;
    };
    EXPECT_FALSE(asks(true));
    upstream.stream_options = true;
    EXPECT_TRUE(asks(true)) << "the operator knows better";
    upstream.stream_options = false;
    EXPECT_FALSE(asks(false));
}

TEST(StreamOptions, WhatTheClientDidNotAskForIsCutOut) {
    openai::Inspection inspection = streaming();
    openai::StreamCuts cuts =
        unwanted_usage(config::Upstream(), Endpoint::chat_completions, inspection);
    EXPECT_TRUE(cuts.usage_event);
    EXPECT_TRUE(cuts.usage_members);
    inspection.wants_usage = true;
    inspection.wants_continuous_usage = true;
    cuts = unwanted_usage(config::Upstream(), Endpoint::chat_completions, inspection);
    EXPECT_FALSE(cuts.usage_event);
    EXPECT_FALSE(cuts.usage_members);
    cuts = unwanted_usage(config::Upstream(), Endpoint::responses, streaming());
    EXPECT_FALSE(cuts.usage_event);
    EXPECT_FALSE(cuts.usage_members);
}

TEST(StreamOptions, ARefusalNamesThem) {
    EXPECT_TRUE(refuses_stream_options(R"({"error":"unknown field stream_options"})"));
    EXPECT_TRUE(refuses_stream_options("include_usage: extra inputs are not permitted"));
    EXPECT_TRUE(refuses_stream_options("continuous_usage_stats"));
    EXPECT_FALSE(refuses_stream_options(R"({"error":"unknown field temperature"})"));
    EXPECT_FALSE(refuses_stream_options(""));
}

}  // namespace
}  // namespace sluicegate::provider
