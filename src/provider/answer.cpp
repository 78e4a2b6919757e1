#include "sluicegate/provider/answer.hpp"

#include "sluicegate/http/syntax.hpp"

#include <algorithm>
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

/// What the first bytes of a body look like.
enum class Look : std::uint8_t { nothing, object, list, events, page, other };

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::string_view trimmed(std::string_view text) noexcept {
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return text;
}

constexpr std::string_view page_marks[] = {"<!doctype", "<html", "<head", "<body", "<?xml"};
constexpr std::string_view event_marks[] = {"data:", "event:", "id:", "retry:", ":"};

bool begins_page(std::string_view text) noexcept {
    return std::ranges::any_of(page_marks, [text](std::string_view mark) {
        return http::equals_ignoring_case(text.substr(0, mark.size()), mark);
    });
}

bool begins_events(std::string_view text) noexcept {
    return std::ranges::any_of(event_marks,
                               [text](std::string_view mark) { return text.starts_with(mark); });
}

/// More bytes could make one of the marks of it.
bool may_become_mark(std::string_view text) noexcept {
    const auto is_part = [text](std::string_view mark) {
        return text.size() < mark.size() &&
               http::equals_ignoring_case(text, mark.substr(0, text.size()));
    };
    return std::ranges::any_of(page_marks, is_part) || std::ranges::any_of(event_marks, is_part);
}

Look look_of(std::string_view body) noexcept {
    const std::string_view text = trimmed(body);
    if (text.empty()) return Look::nothing;
    if (text.front() == '{') return Look::object;
    if (text.front() == '[') return Look::list;
    if (begins_events(text)) return Look::events;
    return text.front() == '<' ? Look::page : Look::other;
}

/// An object whose first member has begun, as bytes of a recording hardly ever do.
bool begins_member(std::string_view body) noexcept {
    std::string_view text = trimmed(body);
    text.remove_prefix(1);
    text = trimmed(text);
    return text.starts_with('"') || text.starts_with('}');
}

/// An event whose data is JSON, as a transcript hardly ever begins.
bool begins_json_event(std::string_view body) noexcept {
    std::string_view text = trimmed(body);
    if (text.starts_with("event:")) return true;
    if (!text.starts_with("data:")) return false;
    text = trimmed(text.substr(std::string_view("data:").size()));
    return text.starts_with('{') || text.starts_with('[');
}

/// Recordings and transcripts may begin with any byte, so they have to look like another form
/// beyond doubt.
AnswerForm form_of_recording(const AnswerBeginning& answer, Look look, bool has_type) noexcept {
    const bool is_object = look == Look::object && begins_member(answer.body);
    if (has_type || is_object) return AnswerForm::json;
    const bool is_event = look == Look::events && begins_json_event(answer.body);
    return is_event ? AnswerForm::events : AnswerForm::bytes;
}

}  // namespace

bool is_json(const http::ResponseHead& head) noexcept {
    return has_media_type(head, "application/json");
}

bool tells_form(std::string_view beginning) noexcept {
    if (beginning.size() >= beginning_bytes_max) return true;
    const std::string_view text = trimmed(beginning);
    if (text.empty()) return false;
    const Look look = look_of(beginning);
    if (look == Look::list || look == Look::events) return true;
    if (look == Look::object) return text.size() > 1;
    return !may_become_mark(text);
}

Result<AnswerForm> form_of(const std::string& upstream, const AnswerBeginning& answer) {
    const http::ResponseHead& head = answer.head;
    const bool says_events = has_media_type(head, "text/event-stream");
    const bool says_json = is_json(head);
    const Look look = look_of(answer.body);
    const bool is_text = look != Look::other && look != Look::nothing;
    const bool may_be_bytes = may_answer_in_bytes(answer.asked) && !answer.is_streaming;
    if (is_encoded(head) && !is_text && (says_events || says_json || !may_be_bytes)) {
        return fail(ErrorKind::upstream_bad_response,
                    upstream + " compressed an answer without being asked to");
    }
    // A page is what proxies and login walls answer, never a recording or a transcript.
    const bool is_page =
        begins_page(trimmed(answer.body)) || (!is_text && has_media_type(head, "text/html"));
    if (is_page) {
        return fail(ErrorKind::upstream_bad_response, upstream + " answered with a page of HTML");
    }
    if (may_be_bytes && !says_events) {
        const bool is_empty =
            look == Look::nothing && answer.asked == openai::Endpoint::audio_speech;
        // Nothing shows whether a part is the whole.
        const bool has_body = head.status != 204 && head.status != 205 && head.status != 206;
        if (has_body && !is_empty) return form_of_recording(answer, look, says_json);
    } else if (look == Look::object || look == Look::list) {
        return AnswerForm::json;
    } else if (look == Look::events || says_events) {
        return AnswerForm::events;
    } else if (says_json) {
        return AnswerForm::json;
    }
    return fail(ErrorKind::upstream_bad_response,
                upstream + " answered with neither events nor JSON");
}

}  // namespace sluicegate::provider
