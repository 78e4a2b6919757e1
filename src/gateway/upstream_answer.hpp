#pragma once
/// What an upstream's status means for the client.

#include "sluicegate/base/error.hpp"
#include "sluicegate/net/types.hpp"
#include "sluicegate/openai/api_error.hpp"
#include "sluicegate/upstream/exchange.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::gateway {

[[nodiscard]] constexpr bool is_success(unsigned status) noexcept {
    return status >= 200 && status < 300;
}

[[nodiscard]] bool is_event_stream(const http::ResponseHead& head) noexcept;  ///< a success
[[nodiscard]] bool is_json(const http::ResponseHead& head) noexcept;
/// JSON or an event stream in an encoding other than identity, which was asked for: its usage could
/// not be read, its events not be told apart.
[[nodiscard]] bool is_compressed(const http::ResponseHead& head) noexcept;

/// The error that the client is told instead of this answer; nothing for an answer to pass on:
/// success, and the 4xx that the client itself caused (400, 404, 409, 413, 422 and the like).
///
/// Looks at the status, Retry-After and, for a 429, at the body: a spent quota and a rate limit
/// differ only there, and some tell only there how long to wait. `now` is what dates are compared
/// with. Source: API errors as documented by OpenAI, Azure, Anthropic, Gemini; 529 is Anthropic's
/// "overloaded".
net::Task<std::optional<Error>> error_of_answer(upstream::Exchange& exchange, WallTime now);

/// A stream that begins with its own failure, as `response.failed` of the Responses API is: the
/// error, unless the caller caused it.
[[nodiscard]] std::optional<Error> failure_in_events(const std::string& upstream,
                                                     std::string_view events);

/// The same for an error that came among the first events of a stream; `upstream` is its name.
/// Its words go to the client: "upstream_failed: …".
[[nodiscard]] Error error_of_events(const std::string& upstream, std::string_view events);

/// A 404 of Azure for a deployment that is not there. Clients never name deployments, the
/// configuration does.
[[nodiscard]] bool is_unknown_model(const openai::ApiError& error);

/// The body of a 4xx names stream_options or one of its members.
[[nodiscard]] bool refuses_stream_options(std::string_view body);

/// Retry-After in all its spellings (RFC 9110, 10.2.3, and retry-after-ms, x-ms-retry-after-ms;
/// units as in "5s" and RFC 3339, which some servers write there), as whole milliseconds, at most
/// an hour; zero when it is absent, makes no sense or is over.
[[nodiscard]] Milliseconds retry_after_of(const http::FieldTable& fields, WallTime now);

}  // namespace sluicegate::gateway
