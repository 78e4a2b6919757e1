#include "sluicegate/provider/quota_fields.hpp"

#include "sluicegate/http/syntax.hpp"
#include "sluicegate/provider/reset_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace sluicegate::provider {
namespace {

using Allowance = route::QuotaReport::Allowance;

constexpr std::string_view openai_prefix = "x-ratelimit-";
constexpr std::string_view anthropic_prefix = "anthropic-ratelimit-";
constexpr std::string_view shortest_name = "x-ratelimit-limit-tokens";
constexpr std::array<std::string_view, 3> parts{"limit", "remaining", "reset"};
constexpr std::array<std::string_view, 5> counted{"requests", "tokens", "project-tokens",
                                                  "input-tokens", "output-tokens"};

/// What has been read of one allowance. Where a field comes twice, the first one counts.
struct Told {
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> remaining;
    std::optional<Milliseconds> reset;
};
using Table = std::array<Told, counted.size()>;

bool begins_with(std::string_view name, std::string_view prefix) noexcept {
    return name.size() > prefix.size() &&
           http::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

/// The index of `word` in `words`; the size of `words` when it is not among them.
template <std::size_t size>
std::size_t index_of(const std::array<std::string_view, size>& words,
                     std::string_view word) noexcept {
    const auto is_it = [word](std::string_view one) {
        return http::equals_ignoring_case(one, word);
    };
    return static_cast<std::size_t>(std::ranges::find_if(words, is_it) - words.begin());
}

std::optional<std::int64_t> count_in(std::string_view text) noexcept {
    std::int64_t count = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    if (count < 0 || count > quota_max) return std::nullopt;
    return count;
}

void note(Table& table, std::string_view what, std::string_view part, std::string_view value,
          WallTime now) {
    const std::size_t index = index_of(counted, what);
    if (index == counted.size()) return;
    Told& told = table[index];
    switch (index_of(parts, part)) {
        case 0:
            if (!told.limit) told.limit = count_in(value);
            break;
        case 1:
            if (!told.remaining) told.remaining = count_in(value);
            break;
        case 2:
            if (!told.reset) told.reset = parse_reset(value, now);
            break;
        default: break;
    }
}

std::optional<Allowance> allowance_of(const Told& told) noexcept {
    // Some providers write 0 of 0 where there is no limit.
    if (!told.remaining || told.limit == 0) return std::nullopt;
    Allowance allowance{.limit = told.limit.value_or(0),
                        .remaining = *told.remaining,
                        .reset = told.reset.value_or(Milliseconds(0))};
    if (allowance.limit > 0) allowance.remaining = std::min(allowance.remaining, allowance.limit);
    return allowance;
}

}  // namespace

route::QuotaReport quota_of(const http::FieldTable& fields, WallTime now) {
    Table table;
    bool is_told = false;
    // Where no dash follows the prefix, both parts are the whole rest. No allowance has such names.
    for (const http::Field& field : fields) {
        if (field.name.size() < shortest_name.size()) continue;  // true of most fields
        if (begins_with(field.name, openai_prefix)) {
            const std::string_view rest = field.name.substr(openai_prefix.size());
            const std::size_t dash = rest.find('-');
            note(table, rest.substr(dash + 1), rest.substr(0, dash), field.value, now);
            is_told = true;
        } else if (begins_with(field.name, anthropic_prefix)) {
            const std::string_view rest = field.name.substr(anthropic_prefix.size());
            const std::size_t dash = rest.rfind('-');
            note(table, rest.substr(0, dash), rest.substr(dash + 1), field.value, now);
            is_told = true;
        }
    }
    if (!is_told) return {};

    route::QuotaReport report{.requests = allowance_of(table[0]), .tokens = std::nullopt};
    for (std::size_t i = 1; i < table.size(); ++i) {
        const auto allowance = allowance_of(table[i]);
        if (!allowance) continue;
        if (!report.tokens || allowance->remaining < report.tokens->remaining)
            report.tokens = allowance;
    }
    return report;
}

}  // namespace sluicegate::provider
