#include "sluicegate/provider/json_answer.hpp"

#include "sluicegate/openai/answer_from_events.hpp"
#include "sluicegate/openai/stream_from_answer.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/failure.hpp"

#include <utility>

namespace sluicegate::provider {
namespace {

/// Some servers put it before their JSON, and strict parsers fail on it.
constexpr std::string_view byte_order_mark_bytes = "\xef\xbb\xbf";

}  // namespace

Result<JsonAnswer> judge_json(const config::Upstream& upstream, const Redaction& redaction,
                              const AskedFor& asked, std::string_view body, bool is_delimited) {
    const bool is_marked = body.starts_with(byte_order_mark_bytes);
    if (is_marked) body.remove_prefix(byte_order_mark_bytes.size());
    JsonAnswer answer{.facts = openai::facts_of_answer(asked.endpoint, body)};
    if (!answer.facts.is_whole) {
        // Where the end of the connection ends the answer, only the text tells that it is cut.
        return fail(is_delimited ? ErrorKind::upstream_bad_response : ErrorKind::upstream_closed,
                    upstream.name + " sent JSON that is not whole");
    }
    if (answer.facts.has_error || !answer.facts.is_answer) {
        auto error = error_of_answer(upstream, redaction, answer.facts, body);
        if (error) return fail(std::move(*error));
    }
    if (is_marked) answer.body = body;
    if (!asked.inspection.is_streaming) return answer;
    auto events = openai::stream_of_answer(asked.endpoint, body, asked.inspection.wants_usage);
    if (!events) {
        return fail(ErrorKind::upstream_bad_response,
                    upstream.name + " answered a streamed request with JSON that is no answer");
    }
    answer.events = std::move(*events);
    return answer;
}

Result<JsonAnswer> judge_events(const config::Upstream& upstream, const Redaction& redaction,
                                const AskedFor& asked, std::string_view events) {
    auto body = openai::answer_from_events(asked.endpoint, events);
    if (!body) {
        return fail(ErrorKind::upstream_bad_response,
                    upstream.name + " answered with events that make no answer");
    }
    auto answer = judge_json(upstream, redaction, asked, *body, true);
    if (answer) answer->body = std::move(*body);
    return answer;
}

bool may_be_recording(const http::ResponseHead& head, openai::Endpoint asked,
                      const Error& error) noexcept {
    const bool is_of_audio = asked == openai::Endpoint::audio_speech ||
                             asked == openai::Endpoint::audio_transcriptions ||
                             asked == openai::Endpoint::audio_translations;
    return is_of_audio && !is_json(head) && error.kind == ErrorKind::upstream_bad_response;
}

}  // namespace sluicegate::provider
