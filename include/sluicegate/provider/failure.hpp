#pragma once
/// What went wrong at an upstream, as its answer says it: by the status, by the body, or by the
/// first events of a stream.
///
/// Source  API errors as documented by OpenAI, Azure, Anthropic and Gemini; 529 is Anthropic's
///         "overloaded".

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"
#include "sluicegate/base/redaction.hpp"
#include "sluicegate/config/model.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/api_error.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluicegate::provider {

/// failure_of() looks at so much of a body.
inline constexpr std::size_t judged_body_bytes_max = 64 * 1024;

/// So long failure_of() waits for the body of an answer that has failed anyway.
inline constexpr Milliseconds judged_body_wait{1000};

/// Whether failure_of() looks at the body too. A spent quota and a rate limit are both a 429, and
/// a 404 may be about the path, the model or a file: only the body tells. Others hold a reason.
[[nodiscard]] constexpr bool is_judged_by_body(unsigned status) noexcept {
    switch (status) {
        case 401:
        case 402:
        case 403:
        case 404:
        case 405:
        case 407:
        case 408:
        case 421:
        case 425:
        case 429:
        case 499: return true;
        default: return status >= 500;
    }
}

/// What an upstream was asked, as far as its failure can speak of it.
struct Asked {
    std::string_view model;           ///< as the client names it
    std::string_view upstream_model;  ///< as the upstream is asked for it
    std::string_view body;            ///< of the client's request
};

/// The error that the client gets instead of this answer. Nothing for an answer to pass on: a
/// success, and the 4xx that the client itself caused (400, 409, 413, 422 and the like; a 404 that
/// names something of the request, such as a file or a stored response).
///
/// Model and path are the operator's: a 404 or 405 about them is not the client's fault, and
/// neither is 408, 421, 425, 499 or a 5xx.
///
/// `body` is what has arrived of the body. It is looked at where is_judged_by_body() says so.
/// Dates are compared with `now`.
[[nodiscard]] std::optional<Error> failure_of(const config::Upstream& upstream,
                                              const Redaction& redaction,
                                              const http::ResponseHead& head, std::string_view body,
                                              const Asked& asked, WallTime now);

/// What the client is told of a 4xx that it caused: the upstream's words, in OpenAI's shape and
/// without our secrets.
[[nodiscard]] openai::ApiError rejection_of(const Redaction& redaction,
                                            const http::ResponseHead& head, std::string_view body);

/// What is wrong with complete JSON that has a success status and tells an error, or lacks what an
/// answer must have. Nothing for a response that failed for the sake of its request: its client
/// reads that.
[[nodiscard]] std::optional<Error> error_of_answer(const config::Upstream& upstream,
                                                   const Redaction& redaction,
                                                   const openai::AnswerFacts& facts,
                                                   std::string_view body);

/// A stream that has ended without one event that carries output.
[[nodiscard]] Error error_of_empty_stream(const config::Upstream& upstream,
                                          const Redaction& redaction, std::string_view events);

/// The error that an upstream told in its stream when a part of it was with the client already: it
/// is the upstream's, whatever it says.
[[nodiscard]] Error error_of_late_event(const config::Upstream& upstream,
                                        const Redaction& redaction, std::string_view events);

/// The error that came among the first events of a stream.
[[nodiscard]] Error error_of_events(const config::Upstream& upstream, const Redaction& redaction,
                                    std::string_view events);

/// The error of a stream that begins with its own failure, as `response.failed` of the Responses
/// API is. Nothing when the caller caused it, unless the model's fallback_on holds its reason.
[[nodiscard]] std::optional<Error> failure_in_events(const config::Upstream& upstream,
                                                     const Redaction& redaction,
                                                     std::string_view events,
                                                     const config::FallbackOn& on);

/// The error of a stream that ended before it was complete. `last_error` is the JSON of the bare
/// `error:` line that llama.cpp ends with; "" where there was none.
[[nodiscard]] Error error_of_early_end(const config::Upstream& upstream, const Redaction& redaction,
                                       std::string_view last_error);

}  // namespace sluicegate::provider
