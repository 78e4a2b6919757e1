#include "sluicegate/provider/failure.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/base/wipe_scope.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/fallback_reason.hpp"
#include "sluicegate/provider/reset_text.hpp"
#include "sluicegate/provider/retry_after.hpp"

#include "provider/words.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

namespace sluicegate::provider {
namespace {

bool is_quota_error(const openai::ApiError& error) {
    return error.type == "insufficient_quota" || error.code == "insufficient_quota" ||
           error.code == "credit_balance_exhausted" ||
           (error.code.ends_with("_limit_exceeded") && error.code != "rate_limit_exceeded");
}

/// OpenAI, Azure, Anthropic, vLLM and llama.cpp use different words for the same failures.
ErrorKind kind_of(const openai::ApiError& error) {
    const auto is_any = [](std::string_view text, std::initializer_list<std::string_view> names) {
        return std::ranges::find(names, text) != names.end();
    };
    if (is_quota_error(error)) return ErrorKind::upstream_quota;
    if (is_any(error.type, {"rate_limit_error", "tokens", "requests"}) ||
        is_any(error.code, {"rate_limit_exceeded", "429"})) {
        return ErrorKind::upstream_rate_limited;
    }
    if (is_any(error.type, {"overloaded_error", "unavailable_error", "overloaded"}) ||
        is_any(error.code, {"503", "529"})) {
        return ErrorKind::upstream_overloaded;
    }
    if (is_any(error.type, {"authentication_error", "permission_error"})) {
        return ErrorKind::upstream_auth;
    }
    if (is_any(error.type, {"invalid_request_error", "BadRequestError", "NotFoundError",
                            "not_found_error", "exceed_context_size_error"}) ||
        is_any(error.code, {"400", "404", "413", "422"})) {
        return ErrorKind::upstream_rejected;
    }
    return ErrorKind::upstream_failed;
}

std::string_view content_type_of(const http::ResponseHead& head) {
    return head.fields.find("content-type").value_or(std::string_view());
}

bool is_html(const http::ResponseHead& head, std::string_view body) {
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    return content_type_of(head).find("html") != std::string_view::npos ||
           (first != std::string_view::npos && body[first] == '<');
}

/// Nothing for a 4xx that the client caused. A 404 may be one; of that its body tells.
std::optional<ErrorKind> kind_of(unsigned status) noexcept {
    if (status < 400) return ErrorKind::upstream_bad_response;  // redirects are never followed
    if (status == 401 || status == 407) return ErrorKind::upstream_auth;
    if (status == 402) return ErrorKind::upstream_quota;
    if (status == 403) return ErrorKind::upstream_forbidden;
    if (status == 404 || status == 405) return ErrorKind::upstream_not_found;
    if (status == 408 || status == 421 || status == 425 || status == 499) {
        return ErrorKind::upstream_failed;
    }
    if (status == 501) return ErrorKind::upstream_not_implemented;
    if (status == 503 || status == 529) return ErrorKind::upstream_overloaded;
    if (status >= 500) return ErrorKind::upstream_failed;
    return std::nullopt;
}

/// Whether a word of an error is the id of something that an upstream keeps for its clients.
bool is_id(std::string_view word) {
    constexpr std::string_view prefixes[] = {
        "file-", "file_", "resp_", "resp-", "conv_", "conv-", "msg_",   "vs_",
        "rs_",   "item_", "fc_",   "cntr_", "run_",  "pmpt_", "batch_", "assistant-"};
    return std::ranges::any_of(prefixes, [&](std::string_view prefix) {
        return word.size() > prefix.size() && word.starts_with(prefix);
    });
}

bool is_of_model(std::string_view word, std::string_view model) {
    return !model.empty() && (word.find(model) != std::string_view::npos ||
                              model.find(word) != std::string_view::npos);
}

/// Whether a word of an error is an id that stands in the request; a model is none.
bool names_part_of_request(std::string_view word, const Asked& asked) {
    constexpr std::size_t bytes_min = 6;
    if (is_id(word)) return true;
    const bool may_be_id = word.size() >= bytes_min &&
                           word.find_first_of("0123456789_") != std::string_view::npos &&
                           word.find('/') == std::string_view::npos;
    if (!may_be_id || is_of_model(word, asked.model) || is_of_model(word, asked.upstream_model)) {
        return false;
    }
    return asked.body.find(word) != std::string_view::npos;
}

bool is_about_model(const openai::ApiError& said) {
    return said.param == "model" || holds_any(lower(said.code), {"model", "deployment"}) ||
           holds_any(lower(said.message), {"model", "deployment"});
}

/// A 404 about something that the client named: a file, a stored response, a conversation.
bool is_of_request(const openai::ApiError& said, const Asked& asked) {
    const std::string code = lower(said.code);
    if (said.param == "model" || holds_any(code, {"model", "deployment"})) return false;
    if (!said.param.empty()) return true;
    if (holds_any(code, {"file", "response", "conversation", "item", "container", "vector_store",
                         "prompt", "voice"})) {
        return true;
    }
    constexpr std::string_view between_words = " \t\r\n'\"`,;:()[]{}<>";
    std::string_view rest = said.message;
    while (!rest.empty()) {
        std::string_view word = rest.substr(0, rest.find_first_of(between_words));
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
        while (word.ends_with('.')) word.remove_suffix(1);
        if (names_part_of_request(word, asked)) return true;
    }
    return false;
}

/// Whether the upstream's own type or code blames the request, whatever its status says.
bool names_request(const openai::ApiError& said) {
    for (const std::string_view field :
         {std::string_view(said.type), std::string_view(said.code)}) {
        const std::string text = lower(field);
        if (text == "400" || text == "413" || text == "422") return true;
        if (holds_any(text, {"invalid_request", "invalidrequest", "bad_request", "badrequest",
                             "validation", "invalid_param", "invalid_argument", "invalid_value",
                             "value_error", "valueerror", "unsupported", "context_length",
                             "context_size", "unprocessable"})) {
            return true;
        }
    }
    return false;
}

/// Whether such a failure may be the request's own doing. A gateway in front of the server has
/// 502 to 504 and 52x for servers that are down: those say nothing about the request.
bool may_be_refusal(unsigned status) noexcept {
    return status == 500 || status == 501 || (status > 504 && status < 520);
}

/// Calls `read` with the text of each `data:` line until it finds an error.
template <class Read>
std::optional<openai::ApiError> first_error(std::string_view events, Read read) {
    constexpr std::string_view field = "data:";
    while (!events.empty()) {
        const std::string_view line = events.substr(0, events.find_first_of("\r\n"));
        if (line.starts_with(field)) {
            if (auto said = read(line.substr(field.size()))) return said;
        }
        events.remove_prefix(std::min(line.size() + 1, events.size()));
    }
    return std::nullopt;
}

}  // namespace

std::optional<Error> failure_of(const config::Upstream& upstream, const Redaction& redaction,
                                const http::ResponseHead& head, std::string_view body,
                                const Asked& asked, WallTime now) {
    if (is_success(head.status)) return std::nullopt;
    const auto kind = head.status == 429 ? ErrorKind::upstream_rate_limited : kind_of(head.status);
    if (!kind) return std::nullopt;
    Error error{.kind = *kind,
                .detail = upstream.name + " answered " + std::to_string(head.status),
                .subject = {},
                .retry_after = retry_after_of(head.fields, now)};
    if (body.empty()) return error;
    // Before anything is cut out of it: a secret that is cut is not found.
    const std::string clean = redaction.cleaned(body);
    const openai::ApiError told = openai::told_error(content_type_of(head), clean);
    if (head.status == 404) {
        if (is_of_request(told, asked)) return std::nullopt;
        if (is_about_model(told)) error.kind = ErrorKind::upstream_unknown_model;
    }
    if (head.status == 429) {
        if (is_quota_error(told)) error.kind = ErrorKind::upstream_quota;
        if (error.retry_after == Milliseconds(0)) {
            const auto delay = retry_delay_in(body);
            error.retry_after = std::min(delay.value_or(Milliseconds(0)), retry_after_max);
        }
    }
    error.upstream_words = UpstreamWords(told.message, redaction);
    if (head.status >= 500) error.fallback_reason = fallback_reason_of(told);
    if (may_be_refusal(head.status) && !told.message.empty() && !is_html(head, clean)) {
        error.refused_with = static_cast<std::uint16_t>(head.status);
        error.names_request = names_request(told);
    }
    return error;
}

openai::ApiError rejection_of(const Redaction& redaction, const http::ResponseHead& head,
                              std::string_view body) {
    const WipeScope wipes;
    // Before anything is cut out of it: a secret that is cut is not found.
    const std::string clean = redaction.cleaned(body.substr(0, openai::error_body_bytes_max + 1));
    openai::ApiError said = openai::normalise_error(head.status, content_type_of(head), clean);
    for (std::string* field : {&said.message, &said.type, &said.code, &said.param}) {
        *field = UpstreamWords(*field, redaction).text();
    }
    return said;
}

std::optional<Error> error_of_answer(const config::Upstream& upstream, const Redaction& redaction,
                                     const openai::AnswerFacts& facts, std::string_view body) {
    const WipeScope wipes;
    const std::string clean = redaction.cleaned(body.substr(0, openai::error_body_bytes_max + 1));
    auto said = openai::error_in(clean);
    if (!said) said = openai::words_in(clean);
    const ErrorKind kind = said ? kind_of(*said) : ErrorKind::upstream_bad_response;
    // A response that failed. All other codes are about the prompt and its files.
    const bool is_of_request = facts.is_answer && !facts.response_id.empty() && said &&
                               kind == ErrorKind::upstream_failed && said->code != "server_error";
    if (is_of_request) return std::nullopt;
    return Error{.kind = kind,
                 .fallback_reason = said ? fallback_reason_of(*said) : FallbackReason::none,
                 .detail = upstream.name + (said ? " answered with an error and status 200"
                                                 : " answered with JSON that is no answer"),
                 .subject = {},
                 .upstream_words = said ? UpstreamWords(said->message, redaction) : UpstreamWords(),
                 .retry_after = Milliseconds(0)};
}

Error error_of_empty_stream(const config::Upstream& upstream, const Redaction& redaction,
                            std::string_view events) {
    const std::string clean = redaction.cleaned(events);
    const auto said = first_error(clean, openai::words_in);
    return {.kind = said ? kind_of(*said) : ErrorKind::upstream_bad_response,
            .detail = upstream.name + " sent a stream without any output",
            .subject = {},
            .upstream_words = said ? UpstreamWords(said->message, redaction) : UpstreamWords(),
            .retry_after = Milliseconds(0)};
}

Error error_of_late_event(const config::Upstream& upstream, const Redaction& redaction,
                          std::string_view events) {
    Error error = error_of_events(upstream, redaction, events);
    if (failure_row(error.kind).fault != Fault::upstream) error.kind = ErrorKind::upstream_failed;
    error.detail = upstream.name + " told an error in its stream";
    return error;
}

Error error_of_events(const config::Upstream& upstream, const Redaction& redaction,
                      std::string_view events) {
    const WipeScope wipes;
    const std::string clean = redaction.cleaned(events);
    auto said = first_error(clean, openai::error_in);
    if (!said) said = first_error(clean, openai::words_in);
    return {.kind = said ? kind_of(*said) : ErrorKind::upstream_failed,
            .fallback_reason = said ? fallback_reason_of(*said) : FallbackReason::none,
            .detail = upstream.name + " began its stream with an error",
            .subject = {},
            .upstream_words = said ? UpstreamWords(said->message, redaction) : UpstreamWords(),
            .retry_after = Milliseconds(0)};
}

std::optional<Error> failure_in_events(const config::Upstream& upstream, const Redaction& redaction,
                                       std::string_view events, const config::FallbackOn& on) {
    const WipeScope wipes;
    const std::string clean = redaction.cleaned(events);
    const auto said = first_error(clean, openai::error_in_response);
    if (!said) return std::nullopt;
    const ErrorKind kind = kind_of(*said);
    const FallbackReason reason = fallback_reason_of(*said);
    // All other codes are about the prompt and its files.
    if (kind == ErrorKind::upstream_failed && said->code != "server_error" && !on.holds(reason)) {
        return std::nullopt;
    }
    return Error{.kind = on.holds(reason) ? ErrorKind::upstream_rejected : kind,
                 .fallback_reason = reason,
                 .detail = upstream.name + " began its stream with a failed response",
                 .subject = {},
                 .upstream_words = UpstreamWords(said->message, redaction),
                 .retry_after = Milliseconds(0)};
}

Error error_of_early_end(const config::Upstream& upstream, const Redaction& redaction,
                         std::string_view last_error) {
    Error error{.kind = ErrorKind::upstream_closed,
                .detail = upstream.name + " ended its stream before it was complete",
                .subject = {},
                .retry_after = Milliseconds(0)};
    if (last_error.empty()) return error;
    error.kind = ErrorKind::upstream_failed;
    const auto said = openai::error_in("{\"error\":" + redaction.cleaned(last_error) + "}");
    if (said) error.upstream_words = UpstreamWords(said->message, redaction);
    return error;
}

}  // namespace sluicegate::provider
