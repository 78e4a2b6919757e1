#include "sluicegate/config/account_key.hpp"

#include "config/sections.hpp"
#include "config/upstream_parts.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <unordered_map>
#include <utility>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t upstreams_max = 1000;
constexpr Range<Milliseconds> upstream_timeout_range{1ms, 24h};
constexpr Range<std::int64_t> idle_range{0, 10'000};
constexpr Range<Milliseconds> usage_drain_range{1ms, 1h};
constexpr Range<Milliseconds> delay_range{0ms, 10min};
constexpr Range<std::int64_t> tokens_range{1, 100'000};

constexpr std::array<std::string_view, 2> echo_only{"delay", "tokens"};
/// All other keys are for upstreams with an address.
constexpr std::array<std::string_view, 5> echo_keys{"kind", "when_env", "body", "delay", "tokens"};

/// "openai, azure or echo"
std::string names_of_kinds() {
    std::string names;
    const auto rows = upstream_kinds();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i > 0) names += i + 1 < rows.size() ? ", " : " or ";
        names += rows[i].name;
    }
    return names;
}

std::optional<UpstreamKind> parse_kind(Context& context, const Value& at) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    for (const UpstreamKindRow& row : upstream_kinds()) {
        if (text->text == row.name) return row.kind;
    }
    const bool has_compatible_api = text->text == "anthropic" || text->text == "gemini";
    add_problem(context, at,
                (has_compatible_api
                     ? std::string("not supported by this version: take kind openai with the "
                                   "provider's OpenAI-compatible endpoint")
                     : "must be " + names_of_kinds()) +
                    got(*text));
    return std::nullopt;
}

void parse_timeouts(Context& context, const Value& at, UpstreamTimeouts& timeouts) {
    const MapReader map(context, at, Section::upstream_timeouts);
    map.duration("connect", upstream_timeout_range, timeouts.connect);
    map.duration("first_byte", upstream_timeout_range, timeouts.first_byte);
    map.duration("between_bytes", upstream_timeout_range, timeouts.between_bytes);
    map.duration("total", upstream_timeout_range, timeouts.total);
}

void parse_pool(Context& context, const Value& at, PoolSettings& pool) {
    const MapReader map(context, at, Section::pool);
    std::optional<std::int64_t> idle_max;
    map.count("max_idle", idle_range, idle_max);
    if (idle_max) pool.idle_max = static_cast<std::size_t>(*idle_max);
    map.duration("idle_timeout", upstream_timeout_range, pool.idle_timeout);
    map.duration("max_age", upstream_timeout_range, pool.age_max);
    map.count("prewarm", idle_range, pool.prewarm);
    if (pool.idle_max && pool.prewarm > *pool.idle_max) {
        add_problem(context, at, "prewarm may not be larger than max_idle");
    }
}

/// Nothing for `auto`.
std::optional<bool> parse_takes_stream_options(Context& context, const Value& at) {
    const auto text = read_text(context, at);
    if (!text || text->text == "auto") return std::nullopt;
    if (text->text != "true" && text->text != "false") {
        add_problem(context, at, "must be auto, true or false" + got(*text));
        return std::nullopt;
    }
    return read_bool(context, at);
}

/// The keys about the usage of answers.
void parse_usage_keys(Context& context, const MapReader& map, Upstream& upstream) {
    if (const auto choice = map.find("on_client_disconnect")) {
        static constexpr std::array<std::string_view, 2> words{"cancel", "drain"};
        if (const auto word = read_word(context, *choice, words)) {
            upstream.on_client_disconnect =
                *word == 0 ? OnClientDisconnect::cancel : OnClientDisconnect::drain;
        }
    }
    map.duration("drain_timeout", usage_drain_range, upstream.drain_usage);
    if (const auto takes = map.find("takes_stream_options")) {
        upstream.stream_options = parse_takes_stream_options(context, *takes);
    }
    map.boolean("continuous_usage_stats", upstream.continuous_usage);
    if (upstream.continuous_usage && upstream.stream_options == false) {
        add_problem(context, *map.find("continuous_usage_stats"),
                    "is a part of stream_options, and takes_stream_options is false");
    }
}

void parse_addressed(Context& context, const MapReader& map, Upstream& upstream) {
    parse_endpoints(context, map, upstream);
    parse_account(context, map, upstream);
    parse_capacity(context, map, upstream);
    parse_health(context, map, upstream);
    if (const auto timeouts = map.find("timeouts")) {
        parse_timeouts(context, *timeouts, upstream.timeouts);
    }
    parse_usage_keys(context, map, upstream);
    if (const auto pool = map.find("pool")) parse_pool(context, *pool, upstream.pool);
}

void refuse_key(Context& context, const MapReader& map, std::string_view key,
                std::string_view kind) {
    if (const auto value = map.find(key)) {
        add_problem(context, *value, "has no meaning for kind " + std::string(kind));
    }
}

Upstream parse_upstream(Context& context, const NamedEntry& entry) {
    const MapReader map(context, entry.value, Section::upstream);
    Upstream upstream;
    upstream.name = entry.name;
    const auto kind_value = map.require("kind");
    const auto kind = kind_value ? parse_kind(context, *kind_value) : std::nullopt;
    if (!kind) return upstream;
    upstream.kind = *kind;
    if (const auto body = map.find("body")) {
        upstream.body = parse_body(context, *body, Section::upstream_body);
    }
    const UpstreamKindRow& row = row_of(*kind);
    if (!row.has_address) {
        map.duration("delay", delay_range, upstream.echo.delay);
        map.count("tokens", tokens_range, upstream.echo.tokens);
        for (const std::string_view key : shape_of(Section::upstream).keys) {
            const bool is_its_own = std::ranges::find(echo_keys, key) != echo_keys.end();
            if (!is_its_own) refuse_key(context, map, key, row.name);
        }
        return upstream;
    }
    parse_addressed(context, map, upstream);
    for (const std::string_view key : echo_only) refuse_key(context, map, key, row.name);
    if (!row.has_api_version) refuse_key(context, map, "api_version", row.name);
    return upstream;
}

/// The variable of `when_env` that is not set. Nothing if the upstream is on.
std::optional<std::string> missing_variable(Context& context, const NamedEntry& entry) {
    const Node& node = *entry.value.node;
    if (node.kind != Node::Kind::map) return std::nullopt;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        if (node.keys[i].text != "when_env") continue;
        const Node& value = node.items[i];
        if (value.kind != Node::Kind::scalar || !is_variable_name(value.text)) {
            add_problem(context, Value{&value, entry.value.path + ".when_env"},
                        "must be the name of an environment variable, without ${}");
            return std::nullopt;
        }
        std::string name(value.text);
        const auto found = context.environment(name);
        if (found && !found->empty()) return std::nullopt;
        return name;
    }
    return std::nullopt;
}

/// The limits of each account, and the first upstream that sets them.
using AccountLimits = std::unordered_map<std::string, std::pair<std::string, Ceilings>>;

void check_account(Context& context, const NamedEntry& entry, const Upstream& upstream,
                   AccountLimits& accounts) {
    const auto [first, is_new] =
        accounts.try_emplace(account_key(upstream), upstream.name, upstream.limits);
    if (is_new || first->second.second == upstream.limits) return;
    context.problems.add(*entry.key, entry.value.path,
                         "has other limits than " + shown_name(first->second.first) +
                             ", whose account is the same; account tells accounts apart");
}

}  // namespace

Upstreams parse_upstreams(Context& context, const std::vector<NamedEntry>& entries) {
    Upstreams upstreams;
    if (entries.size() > upstreams_max) {
        context.problems.add(*entries[upstreams_max].key, "upstreams",
                             "may have at most " + std::to_string(upstreams_max) + " entries");
        return upstreams;
    }
    AccountLimits accounts;
    for (const NamedEntry& entry : entries) {
        const std::size_t problems_before = context.problems.count();
        const auto variable = missing_variable(context, entry);
        Context inner{context.problems,     context.environment, context.folders,
                      context.secret_files, context.warnings,    variable.has_value()};
        Upstream upstream = parse_upstream(inner, entry);
        // An upstream that is off may lack its key, and with it its account.
        const bool has_account = !variable || !upstream.account.empty();
        if (has_account && context.problems.count() == problems_before) {
            check_account(context, entry, upstream, accounts);
        }
        if (variable) {
            upstreams.index_by_name.emplace(entry.name, std::nullopt);
            upstreams.off_because_of.emplace(entry.name, *variable);
            upstreams.notes.push_back("upstream " + entry.name + " is off: " + *variable +
                                      " is not set");
            continue;
        }
        upstreams.index_by_name.emplace(entry.name, upstreams.list.size());
        upstreams.list.push_back(std::move(upstream));
    }
    return upstreams;
}

}  // namespace sluicegate::config
