#include "sluicegate/provider/answer.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::provider {
namespace {

using openai::Endpoint;

struct FormRow {
    const char* name;
    const char* type;
    const char* encoding;
    std::string_view body;
    Endpoint asked;
    bool is_streaming;
    std::optional<AnswerForm> form;
};

constexpr Endpoint chat = Endpoint::chat_completions;
constexpr Endpoint speech = Endpoint::audio_speech;
constexpr Endpoint transcript = Endpoint::audio_transcriptions;
constexpr std::string_view object = R"({"choices":[]})";
constexpr std::string_view event = "data: {}\n\n";
constexpr std::string_view page = "<!DOCTYPE html><html>login</html>";

const std::vector<FormRow>& form_rows() {
    constexpr auto json = AnswerForm::json;
    constexpr auto events = AnswerForm::events;
    constexpr auto bytes = AnswerForm::bytes;
    constexpr auto none = std::nullopt;
    static const std::vector<FormRow> rows{
        {"JSON", "application/json", "", object, chat, false, json},
        {"JSON, spelled otherwise", "Application/JSON; charset=utf-8", "", object, chat, false,
         json},
        {"JSON for a stream", "application/json", "", object, chat, true, json},
        {"JSON, by its type alone", "application/json", "", "Bad Gateway", chat, false, json},
        {"JSON as text", "text/plain", "", object, chat, false, json},
        {"JSON as a page", "text/html; charset=UTF-8", "", object, chat, false, json},
        {"JSON as bytes", "application/octet-stream", "", object, chat, true, json},
        {"JSON without a type", "", "", "\xef\xbb\xbf \r\n{\"a\":1}", chat, false, json},
        {"JSON as events", "text/event-stream", "", object, chat, true, json},
        {"a list as text/json", "text/json", "", "[{\"error\":1}]", chat, false, json},
        {"JSON that is not compressed, whatever its head says", "application/json", "gzip", object,
         chat, false, json},
        {"events", "text/event-stream", "", event, chat, true, events},
        {"events, though not asked for", "text/event-stream", "", event, chat, false, events},
        {"events as JSON", "application/json", "", event, chat, true, events},
        {"events as text", "text/plain", "", "event: x\ndata: {}\n\n", chat, true, events},
        {"events without a type", "", "", ": hello\n\n", chat, true, events},
        {"events, by their type alone", "text/event-stream", "", "error: {}\n\n", chat, true,
         events},
        {"identity", "application/json", "Identity", object, chat, false, json},
        {"compressed JSON", "application/json", "gzip", "\x1f\x8b\x08", chat, false, none},
        {"compressed events", "text/event-stream", "br", "\x8b\x01", chat, true, none},
        {"another type", "application/xml", "", "hello", chat, false, none},
        {"a page", "text/html", "", page, chat, false, none},
        {"a page called JSON", "application/json", "", page, chat, false, none},
        {"a page called events", "text/event-stream", "", page, chat, true, none},
        {"no type and no words", "", "", "", chat, false, none},
        {"a recording", "audio/mpeg", "", "ID3\x04", speech, false, bytes},
        {"a compressed recording", "audio/mpeg", "gzip", "\x1f\x8b", speech, false, bytes},
        {"a recording that begins with a brace", "audio/pcm", "", "{\x01\x02", speech, false,
         bytes},
        {"an error called a recording", "audio/mpeg", "", "{\"error\":{}}", speech, false, json},
        {"an empty recording", "audio/mpeg", "", "", speech, false, none},
        {"a transcript", "text/plain", "", "[Music] hello", transcript, false, bytes},
        {"a transcript that talks of data", "text/plain", "", "data: the new oil", transcript,
         false, bytes},
        {"a transcript of silence", "text/plain", "", "", transcript, false, bytes},
        {"an error called a transcript", "text/plain", "", " {\"detail\":\"x\"}", transcript, false,
         json},
        {"events called a transcript", "text/plain", "", event, transcript, false, events},
        {"a page instead of a recording", "text/html; charset=utf-8", "", page, speech, false,
         none},
        {"a page called a recording", "audio/mpeg", "", "<html>", speech, false, none},
        {"a page instead of a transcript", "text/html", "", "login", transcript, false, none},
        {"subtitles", "text/vtt", "", "WEBVTT\n", transcript, false, bytes},
        {"a translation", "text/plain", "", "hello", Endpoint::audio_translations, false, bytes},
        {"a recording for a stream", "audio/mpeg", "", "ID3\x04", speech, true, none},
    };
    return rows;
}

TEST(Answer, HasAFormByItsFirstBytesOrIsOfNoUse) {
    for (const FormRow& row : form_rows()) {
        SCOPED_TRACE(row.name);
        http::ResponseHead head;
        head.status = 200;
        const auto add = [&head](const char* name, std::string_view value) {
            return value.empty() || head.fields.add(name, value);
        };
        ASSERT_TRUE(add("content-type", row.type));
        ASSERT_TRUE(add("content-encoding", row.encoding));
        const AnswerBeginning answer{
            .head = head, .body = row.body, .asked = row.asked, .is_streaming = row.is_streaming};
        auto form = form_of("provider", answer);
        ASSERT_EQ(form.has_value(), row.form.has_value());
        if (row.form) {
            EXPECT_EQ(*form, *row.form);
        } else {
            EXPECT_EQ(form.error().kind, ErrorKind::upstream_bad_response);
            EXPECT_TRUE(form.error().detail.starts_with("provider "));
        }
    }
}

TEST(Answer, IsToldByAFewBytes) {
    for (const std::string_view enough :
         {"{\"", "[", ":", "data:", " \n{ ", "<html>...", "ID3\x04\x01\x02\x03\x04\x05"}) {
        EXPECT_TRUE(tells_form(enough)) << enough;
    }
    for (const std::string_view little :
         {"", " \r\n", "da", "event", "<!doc", "{", "\xef\xbb\xbf", "<", "ret"}) {
        EXPECT_FALSE(tells_form(little)) << little;
    }
    EXPECT_TRUE(tells_form(std::string(beginning_bytes_max, ' '))) << "white space has its bound";
}

}  // namespace
}  // namespace sluicegate::provider
