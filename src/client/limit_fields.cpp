#include "sluicegate/client/limit_fields.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/base/json_text.hpp"
#include "sluicegate/http/head_writer.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace sluicegate::client {
namespace {

using http::append_field;
using limit::Budget;
using limit::Resource;

constexpr Milliseconds day = std::chrono::hours(24);

/// A limit in dry run refuses nothing, so a client that paces itself must not see it.
bool is_in_force(const Budget& budget) noexcept {
    return budget.is_limited && !budget.is_dry_run;
}

/// The one that will refuse first, as far as can be told.
const Budget& tightest(const Budget& minute, const Budget& day_long) noexcept {
    if (!is_in_force(day_long)) return minute;
    if (!is_in_force(minute)) return day_long;
    return day_long.remaining <= minute.remaining ? day_long : minute;
}

struct BudgetFields {
    std::string_view limit;
    std::string_view remaining;
    std::string_view reset;
};
constexpr BudgetFields request_fields{
    "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"};
constexpr BudgetFields token_fields{"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",
                                    "x-ratelimit-reset-tokens"};

void append_budget(std::string& out, const BudgetFields& fields, const Budget& budget) {
    if (!is_in_force(budget)) return;
    append_field(out, fields.limit, budget.limit);
    append_field(out, fields.remaining, budget.remaining);
    out += fields.reset;
    out += ": ";
    append_reset(out, budget.reset);
    out += "\r\n";
}

std::int64_t whole_seconds(Milliseconds time) noexcept {
    return (time.count() + 999) / 1000;
}

struct Limited {
    Resource resource;
    const Budget& budget;
    Milliseconds window;
    std::string_view unit;  ///< "": requests, the draft's default
};

std::array<Limited, 5> limited_of(const limit::Decision& decision, Milliseconds window) {
    return {
        {{Resource::requests, decision.requests, window, ""},
         {Resource::tokens, decision.tokens, window, "tokens"},
         {Resource::requests_per_day, decision.requests_per_day, day, ""},
         {Resource::tokens_per_day, decision.tokens_per_day, day, "tokens"},
         {Resource::concurrency, decision.concurrency, Milliseconds(0), "concurrent-requests"}}};
}

void append_parameter(std::string& out, std::string_view name, std::int64_t value) {
    out += ';';
    out += name;
    out += '=';
    append_decimal(out, value);
}

void append_name(std::string& list, Resource resource) {
    if (!list.empty()) list += ", ";
    list += '"';
    list += name_of(resource);
    list += '"';
}

}  // namespace

void append_rate_limits(std::string& out, const limit::Decision& decision) {
    append_budget(out, request_fields, tightest(decision.requests, decision.requests_per_day));
    append_budget(out, token_fields, tightest(decision.tokens, decision.tokens_per_day));
    if (decision.would_refuse != Resource::none) {
        append_field(out, "x-sluicegate-dry-run", name_of(decision.would_refuse));
    }
}

void append_ietf_fields(std::string& out, const limit::Decision& decision, Milliseconds window) {
    std::string policies;
    std::string states;
    for (const Limited& limited : limited_of(decision, window)) {
        if (!is_in_force(limited.budget)) continue;
        append_name(policies, limited.resource);
        append_parameter(policies, "q", limited.budget.limit);
        if (limited.window > Milliseconds(0)) {
            append_parameter(policies, "w", whole_seconds(limited.window));
        }
        if (!limited.unit.empty()) policies.append(";qu=\"").append(limited.unit).append("\"");

        if (!decision.admitted && limited.resource != decision.refused_by) continue;
        append_name(states, limited.resource);
        append_parameter(states, "r", limited.budget.remaining);
        if (limited.window > Milliseconds(0)) {
            const Milliseconds until =
                decision.admitted ? limited.budget.reset : decision.retry_after;
            append_parameter(states, "t", whole_seconds(until));
        }
    }
    if (policies.empty()) return;
    append_field(out, "ratelimit-policy", policies);
    append_field(out, "ratelimit", states);
}

void append_refusal(std::string& out, const limit::Decision& decision,
                    std::int64_t requested_tokens) {
    append_field(out, "x-sluicegate-limit", name_of(decision.refused_by));
    switch (decision.refused_by) {
        case Resource::tokens:
        case Resource::tokens_per_day:
            append_field(out, "x-sluicegate-requested-tokens", requested_tokens);
            break;
        case Resource::concurrency:
            append_field(out, "x-ratelimit-limit-concurrency", decision.concurrency.limit);
            append_field(out, "x-ratelimit-remaining-concurrency", decision.concurrency.remaining);
            break;
        default: break;
    }
}

std::string vain_wait_message(const limit::Decision& decision, std::int64_t requested_tokens) {
    const bool is_of_day = decision.refused_by == Resource::tokens_per_day;
    if (!decision.can_never_fit || (!is_of_day && decision.refused_by != Resource::tokens)) {
        return {};
    }
    const Budget& budget = is_of_day ? decision.tokens_per_day : decision.tokens;
    // A limit of 0 forbids the model, and asking for fewer does not help.
    if (budget.limit == 0) return {};
    return "Rate limit exceeded. This request asks for " + std::to_string(requested_tokens) +
           " tokens, and the limit (" + std::string(name_of(decision.refused_by)) + ") is " +
           std::to_string(budget.limit) + ": waiting does not help, ask for fewer.";
}

RetryAdvice retry_advice_of(const limit::Decision& decision, std::uint32_t random) noexcept {
    if (decision.can_never_fit) return {.wait = Milliseconds(0), .may_retry = false};
    const Milliseconds wait = decision.retry_after;
    if (wait <= Milliseconds(0)) return {.wait = Milliseconds(250 + random % 751)};
    Milliseconds most = std::min(wait / 10, Milliseconds(1000));
    if (wait <= sdk_wait_max) most = std::min(most, sdk_wait_max - wait);
    const auto added = static_cast<std::int64_t>(random) % (most.count() + 1);
    return {.wait = wait + Milliseconds(added), .may_retry = wait <= sdk_wait_max};
}

void append_retry_after(std::string& out, Milliseconds wait) {
    append_field(out, "retry-after", std::max<std::int64_t>(1, whole_seconds(wait)));
    append_field(out, "retry-after-ms", std::max<std::int64_t>(1, wait.count()));
}

void append_reset(std::string& out, Milliseconds time) {
    const std::int64_t milliseconds = std::max<std::int64_t>(time.count(), 0);
    if (milliseconds == 0) {
        out += "0s";
        return;
    }
    if (milliseconds < 1000) {
        append_decimal(out, milliseconds);
        out += "ms";
        return;
    }
    const std::int64_t hours = milliseconds / 3'600'000;
    const std::int64_t minutes = milliseconds / 60'000 % 60;
    if (hours > 0) {
        append_decimal(out, hours);
        out += 'h';
    }
    if (hours > 0 || minutes > 0) {
        append_decimal(out, minutes);
        out += 'm';
    }
    append_decimal(out, milliseconds / 1000 % 60);
    if (std::int64_t fraction = milliseconds % 1000; fraction > 0) {
        out += '.';
        for (std::int64_t unit = 100; fraction > 0; unit /= 10) {
            out += static_cast<char>('0' + fraction / unit);
            fraction %= unit;
        }
    }
    out += 's';
}

}  // namespace sluicegate::client
