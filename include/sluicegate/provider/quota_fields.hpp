#pragma once
/// What a provider grants us, as the fields of its answers say it.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/http/field_table.hpp"
#include "sluicegate/route/quota.hpp"

#include <cstdint>

namespace sluicegate::provider {

/// Larger counts are not believed, and their fields are passed over.
inline constexpr std::int64_t quota_max = 1'000'000'000'000;

/// From one look at each field: `x-ratelimit-{limit,remaining,reset}-{requests,tokens,
/// project-tokens}` of OpenAI, Azure and Groq, `anthropic-ratelimit-{requests,tokens,input-tokens,
/// output-tokens}-{limit,remaining,reset}`. Of several counts of tokens, the one of which least is
/// left. What is not a count or a time is passed over; without a `remaining`, nothing is said; of a
/// field that comes twice, the first counts.
///
/// An allowance keeps 0 <= remaining <= limit <= quota_max, or has limit 0 where none was told; its
/// reset is 0 … reset_max. The fields are an upstream's words: they steer which upstream is
/// asked, and nothing else.
[[nodiscard]] route::QuotaReport quota_of(const http::FieldTable& fields, WallTime now);

}  // namespace sluicegate::provider
