#pragma once
/// When a provider will take requests again, in all the ways in which providers write it.
///
/// Bounds   0 … reset_max, rounded up to whole milliseconds; a point in the past is 0.
/// Threads  pure functions.
/// Source   what OpenAI, Azure, Anthropic, Groq, OpenRouter and Gemini send; RFC 3339; RFC 9110,
///          5.6.7 (IMF-fixdate, the only form that may be sent).

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace sluicegate::provider {

/// Some quotas are counted by the month. Longer times are cut to this.
inline constexpr Milliseconds reset_max = std::chrono::days(31);

/// The time from `now` until what `text` says, which is one of:
///
///   seconds, whole or not        "60", "0.25"
///   units, as Go writes them     "6m0s", "1m26.4s", "12ms", "1h2m3.5s", and "2d"
///   a point, RFC 3339            "2026-11-21T20:45:23Z", "2026-11-21T21:45:23.5+01:00"
///   a point, as HTTP writes it   "Sat, 21 Nov 2026 20:45:23 GMT"
///   seconds or milliseconds since 1970, told apart by their size: from
///   1,000,000,000 and from 100,000,000,000 on
///
/// Nothing for any other text: signs, spaces around it, other units, dates that do not exist.
[[nodiscard]] std::optional<Milliseconds> parse_reset(std::string_view text, WallTime now);

/// The wait that the body of an error names, for upstreams that set no Retry-After:
/// `"retryDelay": "34s"` of Gemini's RetryInfo, "try again in 174ms" of OpenAI and Groq.
[[nodiscard]] std::optional<Milliseconds> retry_delay_in(std::string_view body);

}  // namespace sluicegate::provider
