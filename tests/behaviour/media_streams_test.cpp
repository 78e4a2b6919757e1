// Streams of images and audio: their own last events, usage and ways to fail.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

struct Media {
    std::string name, request, first, last;
    double tokens = 0;  ///< what the last event reports
};

std::string event(const std::string& type, const std::string& members) {
    return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + members + "}\n\n";
}

std::string form(const std::vector<std::pair<std::string, std::string>>& parts) {
    std::string out;
    for (const auto& [name, value] : parts) {
        out += "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"" +
               (name == "file" ? "; filename=\"a.wav\"" : "") + "\r\n\r\n" + value + "\r\n";
    }
    return out + "--b--\r\n";
}

std::string upload(const std::string& path,
                   const std::vector<std::pair<std::string, std::string>>& parts) {
    return request("POST", path,
                   bearer(alice_key) + "Content-Type: multipart/form-data; boundary=b\r\n",
                   form(parts));
}

std::vector<Media> all_media() {
    const std::string usage =
        R"(,"usage":{"input_tokens":11,"output_tokens":22,"total_tokens":33})";
    return {
        {.name = "images",
         .request = post_json("/v1/images/generations", alice_key,
                              R"({"model":"media","prompt":"x","stream":true})"),
         .first = event("image_generation.partial_image", R"(,"b64_json":"AAAA")"),
         .last = event("image_generation.completed", R"(,"b64_json":"AAAA")" + usage),
         .tokens = 33},
        {.name = "image edits",
         .request =
             upload("/v1/images/edits",
                    {{"image", "PNG"}, {"prompt", "x"}, {"stream", "true"}, {"model", "media"}}),
         .first = event("image_edit.partial_image", R"(,"b64_json":"AAAA")"),
         .last = event("image_edit.completed", R"(,"b64_json":"AAAA")" + usage),
         .tokens = 33},
        {.name = "transcriptions",
         .request = upload("/v1/audio/transcriptions",
                           {{"file", "RIFF"}, {"model", "media"}, {"stream", "true"}}),
         .first = event("transcript.text.delta", R"(,"delta":"spoken")"),
         .last = event("transcript.text.done",
                       R"(,"text":"spoken","usage":{"type":"tokens","input_tokens":11,)"
                       R"("output_tokens":22,"total_tokens":33})"),
         .tokens = 33},
        {.name = "speech",
         .request = post_json("/v1/audio/speech", alice_key,
                              R"({"model":"media","input":"x","stream_format":"sse"})"),
         .first = event("speech.audio.delta", R"(,"audio":"AAAA")"),
         .last = event("speech.audio.done", usage),
         .tokens = 33},
    };
}

class MediaStreams : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.admin_lines = "  user_metrics: true\n";
        text.models += "  media: {limits: {tpm: 1000000}, route: [{upstream: up}]}\n";
        return text;
    }
    double settled() {
        return metric(gateway_, "sluicegate_limiter_settled_tokens_total", {"model=\"media\""});
    }
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};
};

TEST_F(MediaStreams, PassByteForByteAndAreSettledWithTheirUsage) {
    double sum = 0;
    for (const Media& media : all_media()) {
        SCOPED_TRACE(media.name);
        upstream_.answer(
            Script().send(sse_head() + chunk(media.first) + chunk(media.last) + chunk("")));
        const Response response = gateway_.send(media.request);
        expect_success(response);
        EXPECT_EQ(response.body, media.first + media.last);
        sum += media.tokens;
        EXPECT_TRUE(eventually([&] { return settled() == sum; })) << settled() << ", not " << sum;
    }
}

TEST_F(MediaStreams, ThatAreCutEndWithAnErrorEventAndAbnormally) {
    for (const Media& media : all_media()) {
        for (const bool ends_cleanly : {false, true}) {
            SCOPED_TRACE(media.name + (ends_cleanly ? ", ended cleanly" : ", cut"));
            Script script;
            script.send(sse_head() + chunk(media.first));
            upstream_.answer(ends_cleanly ? script.send(chunk("")) : script.cut());
            const Response response = gateway_.send(media.request);
            ASSERT_EQ(response.status, 200) << response.body;
            EXPECT_FALSE(response.is_complete);
            EXPECT_TRUE(response.body.starts_with(media.first));
            const nlohmann::json last =
                nlohmann::json::parse(events_of(response.body).back(), nullptr, false);
            ASSERT_TRUE(last.is_object() && last.contains("error")) << response.body;
            EXPECT_EQ(last["error"].value("code", ""), "upstream_closed");
        }
    }
}

TEST_F(MediaStreams, EachFinishedImageAddsToTheUsage) {
    const Media images = all_media()[0];
    const std::string body = images.first + images.last + images.last;
    upstream_.answer(
        Script().send(response_head(200, "Content-Type: text/event-stream\r\nContent-Length: " +
                                             std::to_string(body.size()) + "\r\n") +
                      body));
    const Response response =
        gateway_.send(post_json("/v1/images/generations", alice_key,
                                R"({"model":"media","prompt":"x","n":2,"stream":true})"));
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.body.starts_with(body));
    EXPECT_TRUE(eventually([&] { return settled() == 66.0; })) << settled();
}

TEST_F(MediaStreams, OneOfTwoImagesIsNotTheWholeAnswer) {
    const Media images = all_media()[0];
    const std::string two = post_json("/v1/images/generations", alice_key,
                                      R"({"model":"media","prompt":"x","n":2,"stream":true})");
    upstream_.answer(Script().send(sse_head() + chunk(images.last)).cut());
    const Response cut = gateway_.send(two);
    EXPECT_FALSE(cut.status == 200 && cut.is_complete) << cut.body;
    upstream_.answer(Script()
                         .send(sse_head() + chunk(images.last))
                         .pause(milliseconds(300))
                         .send(chunk(images.last) + chunk("")));
    const Response whole = gateway_.send(two);
    expect_success(whole);
    EXPECT_EQ(whole.body, images.last + images.last);
}

TEST_F(MediaStreams, SecondsOfARecordingAreNoTokens) {
    upstream_.answer(Script().send(
        json_response(200, R"({"text":"x","usage":{"type":"duration","seconds":9999}})")));
    expect_success(
        gateway_.send(upload("/v1/audio/transcriptions", {{"file", "RIFF"}, {"model", "media"}})));
    EXPECT_TRUE(
        eventually([&] { return metric(gateway_, "sluicegate_requests_in_flight") == 0.0; }));
    EXPECT_LT(settled(), 9000.0);
}

}  // namespace
}  // namespace sluicegate::support
