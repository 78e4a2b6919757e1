#include "sluicegate/provider/failure.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/base/wipe_scope.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/reset_text.hpp"
#include "sluicegate/provider/retry_after.hpp"

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

/// Nothing for a 4xx that the client caused.
std::optional<ErrorKind> kind_of(unsigned status) noexcept {
    if (status < 400) return ErrorKind::upstream_bad_response;  // redirects are never followed
    if (status == 401 || status == 407) return ErrorKind::upstream_auth;
    if (status == 402) return ErrorKind::upstream_quota;
    if (status == 403) return ErrorKind::upstream_forbidden;
    if (status == 503 || status == 529) return ErrorKind::upstream_overloaded;
    if (status >= 500) return ErrorKind::upstream_failed;
    return std::nullopt;
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

std::optional<Error> failure_of(const config::Upstream& upstream, const http::ResponseHead& head,
                                std::string_view body, WallTime now) {
    if (is_success(head.status)) return std::nullopt;
    const WipeScope wipes;
    Error error{.kind = ErrorKind::upstream_failed,
                .detail = upstream.name + " answered " + std::to_string(head.status),
                .subject = {},
                .retry_after = retry_after_of(head.fields, now)};
    if (is_judged_by_body(head.status)) {
        const auto told = openai::normalise_error(head.status, content_type_of(head), body);
        error.kind =
            is_quota_error(told) ? ErrorKind::upstream_quota : ErrorKind::upstream_rate_limited;
        if (error.retry_after == Milliseconds(0)) {
            const auto delay = retry_delay_in(body);
            error.retry_after = std::min(delay.value_or(Milliseconds(0)), retry_after_max);
        }
        return error;
    }
    const auto kind = kind_of(head.status);
    if (!kind) return std::nullopt;
    error.kind = *kind;
    return error;
}

bool is_unknown_model(const http::ResponseHead& head, std::string_view body) {
    if (head.status != 404) return false;
    const WipeScope wipes;
    const auto said = openai::normalise_error(head.status, content_type_of(head), body);
    return said.code == "DeploymentNotFound";
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
            .detail = upstream.name + " began its stream with an error",
            .subject = {},
            .upstream_words = said ? UpstreamWords(said->message, redaction) : UpstreamWords(),
            .retry_after = Milliseconds(0)};
}

std::optional<Error> failure_in_events(const config::Upstream& upstream, const Redaction& redaction,
                                       std::string_view events) {
    const WipeScope wipes;
    const std::string clean = redaction.cleaned(events);
    const auto said = first_error(clean, openai::error_in_response);
    if (!said) return std::nullopt;
    const ErrorKind kind = kind_of(*said);
    // All other codes are about the prompt and its files.
    if (kind == ErrorKind::upstream_failed && said->code != "server_error") return std::nullopt;
    return Error{.kind = kind,
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
