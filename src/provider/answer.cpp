#include "sluicegate/provider/answer.hpp"

#include "sluicegate/http/syntax.hpp"

#include <string_view>

namespace sluicegate::provider {
namespace {

bool has_media_type(const http::ResponseHead& head, std::string_view expected) noexcept {
    const std::string_view value = head.fields.find("content-type").value_or(std::string_view());
    if (!http::equals_ignoring_case(value.substr(0, expected.size()), expected)) return false;
    const std::string_view rest = value.substr(expected.size());
    return rest.empty() || rest.front() == ';' || rest.front() == ' ';
}

bool is_encoded(const http::ResponseHead& head) noexcept {
    const auto encoding = head.fields.find("content-encoding");
    return encoding && !http::equals_ignoring_case(*encoding, "identity");
}

/// The only endpoints whose answers may be neither JSON nor events.
bool may_answer_in_bytes(openai::Endpoint endpoint) noexcept {
    return endpoint == openai::Endpoint::audio_speech ||
           endpoint == openai::Endpoint::audio_transcriptions ||
           endpoint == openai::Endpoint::audio_translations;
}

}  // namespace

bool is_json(const http::ResponseHead& head) noexcept {
    return has_media_type(head, "application/json");
}

Result<AnswerForm> form_of(const std::string& upstream, const http::ResponseHead& head,
                           openai::Endpoint asked, bool is_streaming) {
    const bool has_events = has_media_type(head, "text/event-stream");
    const bool has_json = is_json(head);
    if ((has_events || has_json) && is_encoded(head)) {
        return fail(ErrorKind::upstream_bad_response,
                    upstream + " compressed an answer without being asked to");
    }
    if (has_events) return AnswerForm::events;
    if (has_json) return AnswerForm::json;
    // A page is what proxies and login walls answer, never a recording or a transcript.
    const bool is_page = has_media_type(head, "text/html");
    if (is_streaming || is_page || !may_answer_in_bytes(asked)) {
        return fail(ErrorKind::upstream_bad_response,
                    upstream + " answered with neither events nor JSON");
    }
    return AnswerForm::bytes;
}

}  // namespace sluicegate::provider
