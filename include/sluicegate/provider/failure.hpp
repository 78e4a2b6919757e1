#pragma once
/// What went wrong at an upstream, as its answer says it: by the status, by the body, or by the
/// first events of a stream.
///
/// Source  API errors as documented by OpenAI, Azure, Anthropic and Gemini; 529 is Anthropic's
///         "overloaded".

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"
#include "sluicegate/base/redaction.hpp"
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

/// Whether the status alone does not say what happened. A spent quota and a rate limit are both a
/// 429; only the body tells them apart, and some say only there how long to wait.
[[nodiscard]] constexpr bool is_judged_by_body(unsigned status) noexcept {
    return status == 429;
}

/// The error that the client gets instead of this answer. Nothing for an answer to pass on: a
/// success, and the 4xx that the client itself caused (400, 404, 409, 413, 422 and the like).
///
/// `body` is what has arrived of the body. It is looked at where is_judged_by_body() says so.
/// Dates are compared with `now`.
[[nodiscard]] std::optional<Error> failure_of(const config::Upstream& upstream,
                                              const http::ResponseHead& head, std::string_view body,
                                              WallTime now);

/// A 404 with Azure's word for a deployment that does not exist. Clients never name deployments,
/// the configuration does: so this is the operator's mistake.
[[nodiscard]] bool is_unknown_model(const http::ResponseHead& head, std::string_view body);

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
/// API is. Nothing when the caller caused it.
[[nodiscard]] std::optional<Error> failure_in_events(const config::Upstream& upstream,
                                                     const Redaction& redaction,
                                                     std::string_view events);

/// The error of a stream that ended before it was complete. `last_error` is the JSON of the bare
/// `error:` line that llama.cpp ends with; "" where there was none.
[[nodiscard]] Error error_of_early_end(const config::Upstream& upstream, const Redaction& redaction,
                                       std::string_view last_error);

}  // namespace sluicegate::provider
