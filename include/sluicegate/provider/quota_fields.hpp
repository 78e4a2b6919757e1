#pragma once
/// How much a provider still allows us, as the fields of its answers say it.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/http/field_table.hpp"
#include "sluicegate/route/quota.hpp"

#include <cstdint>

namespace sluicegate::provider {

/// Fields with larger counts are ignored.
inline constexpr std::int64_t quota_max = 1'000'000'000'000;

/// Reads `x-ratelimit-{limit,remaining,reset}-{requests,tokens,project-tokens}` of OpenAI, Azure
/// and Groq, and `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,
/// remaining,reset}`. Of several counts of tokens it reports the one of which the least is left. It
/// ignores an allowance without `remaining`, and what is no count and no time. Of a field that
/// comes twice, the first counts.
///
/// An allowance keeps 0 <= remaining <= limit <= quota_max, or has limit 0 where the upstream told
/// none. Its reset is 0 … reset_max. The fields are an upstream's words: they decide which upstream
/// is asked next, and nothing else.
[[nodiscard]] route::QuotaReport quota_of(const http::FieldTable& fields, WallTime now);

}  // namespace sluicegate::provider
