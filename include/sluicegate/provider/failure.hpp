#pragma once
/// What went wrong at an upstream, as its answer says it: by the status, by the body, or by the
/// first events of a stream.
///
/// Source  API errors as documented by OpenAI, Azure, Anthropic and Gemini; 529 is Anthropic's
///         "overloaded".

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"
#include "sluicegate/http/response_head.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::provider {

/// What failure_of() looks at of a body.
inline constexpr std::size_t judged_body_bytes_max = 64 * 1024;

/// Whether the status alone does not say what happened. A spent quota and a rate limit are both a
/// 429; only the body tells them apart, and some say only there how long to wait.
[[nodiscard]] constexpr bool is_judged_by_body(unsigned status) noexcept {
    return status == 429;
}

/// The error that the client gets instead of this answer. Nothing for an answer to pass on: a
/// success, and the 4xx that the client itself caused (400, 404, 409, 413, 422 and the like).
///
/// `upstream` is its name, for the log. `body` is what has arrived of the body where
/// is_judged_by_body() says so, else it may be empty. Dates are compared with `now`.
[[nodiscard]] std::optional<Error> failure_of(const std::string& upstream,
                                              const http::ResponseHead& head, std::string_view body,
                                              WallTime now);

/// A 404 with Azure's word for a deployment that does not exist. Clients never name deployments,
/// the configuration does: so this is the operator's mistake.
[[nodiscard]] bool is_unknown_model(const http::ResponseHead& head, std::string_view body);

/// The error that came among the first events of a stream.
[[nodiscard]] Error error_of_events(const std::string& upstream, std::string_view events);

/// The error of a stream that begins with its own failure, as `response.failed` of the Responses
/// API is. Nothing when the caller caused it.
[[nodiscard]] std::optional<Error> failure_in_events(const std::string& upstream,
                                                     std::string_view events);

}  // namespace sluicegate::provider
