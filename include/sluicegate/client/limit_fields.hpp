#pragma once
/// What an answer's head says about limits: what is left, what refused, when to come back.
///
/// Source  docs/limits.md has the table of fields; the x-ratelimit-* ones are OpenAI's, the
///         RateLimit ones those of draft-ietf-httpapi-ratelimit-headers-11.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/limit/decision.hpp"

#include <cstdint>
#include <string>

namespace sluicegate::client {

/// The x-ratelimit-* fields: of requests and of tokens, each the tightest of minute and day, the
/// one with less left. Nothing where there is no limit in force. `x-sluicegate-dry-run` names a
/// limit that only reports and would have refused.
void append_rate_limits(std::string& out, const limit::Decision& decision);
/// RateLimit-Policy and RateLimit; `window` is what "per minute" means. On a refusal RateLimit
/// speaks of the limit that refused alone, so that its time never exceeds retry-after.
void append_ietf_fields(std::string& out, const limit::Decision& decision, Milliseconds window);

/// What a refusal says besides: x-sluicegate-limit, which limit it was; of one of tokens
/// x-sluicegate-requested-tokens; of concurrency its limit, which no other field shows.
void append_refusal(std::string& out, const limit::Decision& decision,
                    std::int64_t requested_tokens);
/// For a request that asks for more tokens than the limit ever allows; "" for every other.
[[nodiscard]] std::string vain_wait_message(const limit::Decision& decision,
                                            std::int64_t requested_tokens);

/// When, if at all, the client of a refused request should come back.
struct RetryAdvice {
    Milliseconds wait{0};   ///< 0: nothing to say
    bool may_retry = true;  ///< false: `x-should-retry: false`
};

/// `random` spreads the clients that were refused together: at most a tenth of the wait and at most
/// a second is added, never so much that the wait passes sdk_wait_max. Where only concurrency
/// refused, it is not known when a request will end: 250 … 1000 ms.
[[nodiscard]] RetryAdvice retry_advice_of(const limit::Decision& decision,
                                          std::uint32_t random) noexcept;

/// retry-after in seconds, rounded up, and retry-after-ms. Never 0: SDKs take that for "at once",
/// or for "nothing said".
void append_retry_after(std::string& out, Milliseconds wait);

/// "12ms", "1s", "6m0s", "1m26.4s": how the API writes the time until a limit is replenished.
void append_reset(std::string& out, Milliseconds time);

}  // namespace sluicegate::client
