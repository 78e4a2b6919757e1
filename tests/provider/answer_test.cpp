#include "sluicegate/provider/answer.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>

namespace sluicegate::provider {
namespace {

using openai::Endpoint;

TEST(Answer, HasAFormOrIsOfNoUse) {
    struct Row {
        const char* name;
        const char* type;
        const char* encoding;
        Endpoint asked;
        bool is_streaming;
        std::optional<AnswerForm> form;
    };
    constexpr Endpoint chat = Endpoint::chat_completions;
    constexpr Endpoint speech = Endpoint::audio_speech;
    const Row rows[] = {
        {"JSON", "application/json", "", chat, false, AnswerForm::json},
        {"JSON, spelled otherwise", "Application/JSON; charset=utf-8", "", chat, false,
         AnswerForm::json},
        {"JSON for a stream", "application/json", "", chat, true, AnswerForm::json},
        {"events", "text/event-stream", "", chat, true, AnswerForm::events},
        {"events, though not asked for", "text/event-stream", "", chat, false, AnswerForm::events},
        {"identity", "application/json", "Identity", chat, false, AnswerForm::json},
        {"compressed JSON", "application/json", "gzip", chat, false, std::nullopt},
        {"compressed events", "text/event-stream", "br", chat, true, std::nullopt},
        {"another type", "application/jsonl", "", chat, false, std::nullopt},
        {"HTML", "text/html", "", chat, false, std::nullopt},
        {"no type", "", "", chat, false, std::nullopt},
        {"a recording", "audio/mpeg", "", speech, false, AnswerForm::bytes},
        {"a compressed recording", "audio/mpeg", "gzip", speech, false, AnswerForm::bytes},
        {"a transcript", "text/plain", "", Endpoint::audio_transcriptions, false,
         AnswerForm::bytes},
        {"HTML instead of a recording", "text/html; charset=utf-8", "", speech, false,
         std::nullopt},
        {"HTML instead of a transcript", "text/html", "", Endpoint::audio_transcriptions, false,
         std::nullopt},
        {"a translation", "text/plain", "", Endpoint::audio_translations, false, AnswerForm::bytes},
        {"a recording for a stream", "audio/mpeg", "", speech, true, std::nullopt},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        http::ResponseHead head;
        head.status = 200;
        const auto add = [&head](const char* name, std::string_view value) {
            return value.empty() || head.fields.add(name, value);
        };
        ASSERT_TRUE(add("content-type", row.type));
        ASSERT_TRUE(add("content-encoding", row.encoding));
        auto form = form_of("provider", head, row.asked, row.is_streaming);
        ASSERT_EQ(form.has_value(), row.form.has_value());
        if (row.form) {
            EXPECT_EQ(*form, *row.form);
        } else {
            EXPECT_EQ(form.error().kind, ErrorKind::upstream_bad_response);
            EXPECT_TRUE(form.error().detail.starts_with("provider "));
        }
    }
}

}  // namespace
}  // namespace sluicegate::provider
