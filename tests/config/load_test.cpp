#include "config/support.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

const std::filesystem::path good_folder = support::source_folder() / "tests/config/good";

LoadResult load_good(std::string_view name, const Environment& environment = environment_of({})) {
    LoadResult result = load((good_folder / name).string(), environment);
    for (const Problem& problem : result.problems) ADD_FAILURE() << format(problem);
    return result;
}

TEST(Load, GivesDefaultsToTheSmallestFile) {
    const LoadResult result = load_good("smallest.yaml");
    ASSERT_TRUE(result.config.has_value());
    const Config& config = *result.config;
    EXPECT_EQ(config.server.threads, 0U);
    EXPECT_EQ(config.server.body_bytes_max, 32U << 20);
    EXPECT_EQ(config.server.header_bytes_max, 16U << 10);
    EXPECT_EQ(config.server.connections_max, 10000U);
    EXPECT_EQ(config.server.connections_per_address_max, 0U);
    EXPECT_EQ(config.server.in_flight_max, 0U);
    EXPECT_EQ(config.server.auth_failures_per_minute, 60U);
    EXPECT_EQ(config.server.timeouts.header, 10s);
    EXPECT_EQ(config.server.timeouts.body, 60s);
    EXPECT_EQ(config.server.timeouts.idle, 75s);
    EXPECT_EQ(config.server.timeouts.drain, 30s);
    EXPECT_FALSE(config.admin.listen.has_value());
    EXPECT_EQ(config.limiter.window, 60s);
    EXPECT_EQ(config.limiter.slots, 1048576U);
    EXPECT_EQ(config.limiter.state_file, "");
    EXPECT_FALSE(config.limiter.ietf_fields);
    EXPECT_TRUE(config.admin.show_users);
    EXPECT_FALSE(config.admin.user_metrics);
    EXPECT_EQ(config.streams.keep_alive, 15s);
    EXPECT_EQ(config.streams.commit_after, 0s);
    EXPECT_EQ(config.streams.buffer, 64U << 10);
    EXPECT_EQ(config.retries, Retries{});
    EXPECT_EQ(config.log.level, log::Level::info);
    EXPECT_TRUE(config.log.access);
    ASSERT_EQ(config.upstreams.size(), 1U);
    EXPECT_EQ(config.upstreams[0].kind, UpstreamKind::echo);
    EXPECT_EQ(config.upstreams[0].echo, EchoSettings{});
    EXPECT_EQ(config.upstreams[0].on_client_disconnect, OnClientDisconnect::cancel);
    EXPECT_EQ(config.upstreams[0].drain_usage, 30s);
    EXPECT_FALSE(config.upstreams[0].stream_options.has_value());
    EXPECT_FALSE(config.upstreams[0].continuous_usage);
    ASSERT_EQ(config.models.size(), 1U);
    EXPECT_EQ(config.models[0].route, std::vector<RouteEntry>{RouteEntry{}});
    EXPECT_EQ(config.models[0].timeouts, ModelTimeouts{});
    ASSERT_EQ(config.groups.size(), 1U);
    EXPECT_EQ(config.groups[0].name, "default");
    ASSERT_EQ(config.users.size(), 1U);
    EXPECT_EQ(config.users[0].group, "default");
    EXPECT_TRUE(config.users[0].keys.empty());
    EXPECT_TRUE(config.notes.empty());
    EXPECT_EQ(config.sha256.size(), 64U);
}

TEST(Load, ReadsEveryServerAndLimiterKey) {
    const LoadResult result = load_good("every_setting.yaml");
    ASSERT_TRUE(result.config.has_value());
    const Config& config = *result.config;
    ASSERT_EQ(config.server.listen.size(), 2U);
    EXPECT_EQ(config.server.listen[0], (Listener{.host = "0.0.0.0", .port = 8080, .tls = {}}));
    EXPECT_EQ(config.server.listen[1].host, "::1");
    EXPECT_EQ(config.server.listen[1].port, 8443);
    ASSERT_TRUE(config.server.listen[1].tls.has_value());
    EXPECT_EQ(config.server.listen[1].tls->certificate_file,
              (good_folder / "files/certificate.pem").string());
    EXPECT_EQ(config.server.listen[1].tls->private_key_file,
              (good_folder / "files/key.pem").string());
    EXPECT_EQ(config.server.listen[1].tls->client_ca_file,
              (good_folder / "files/certificate.pem").string());
    EXPECT_EQ(config.server.threads, 3U);
    EXPECT_EQ(config.server.body_bytes_max, 1U << 20);
    EXPECT_EQ(config.server.header_bytes_max, 2048U);
    EXPECT_EQ(config.server.connections_max, 5U);
    EXPECT_EQ(config.server.connections_per_address_max, 4U);
    EXPECT_EQ(config.server.in_flight_max, 3U);
    EXPECT_EQ(config.server.auth_failures_per_minute, 0U);
    EXPECT_EQ(config.server.timeouts.header, 1s);
    EXPECT_EQ(config.server.timeouts.body, 2min);
    EXPECT_EQ(config.server.timeouts.idle, 250ms);
    EXPECT_EQ(config.server.timeouts.drain, 0ms);
    ASSERT_TRUE(config.admin.listen.has_value());
    EXPECT_EQ(config.admin.listen->port, 0);
    ASSERT_TRUE(config.admin.listen->tls.has_value());
    EXPECT_EQ(config.admin.listen->tls->certificate_file,
              (good_folder / "files/certificate.pem").string());
    EXPECT_EQ(config.admin.listen->tls->private_key_file, (good_folder / "files/key.pem").string());
    EXPECT_EQ(config.admin.hosts,
              (std::vector<std::string>{"gateway.internal", "Metrics.Internal."}));
    ASSERT_EQ(config.admin.keys.size(), 1U);
    EXPECT_EQ(config.admin.keys[0].id, "prometheus");
    EXPECT_EQ(config.admin.keys[0].sha256[31], 0x44);
    EXPECT_EQ(config.limiter.window, 100ms);
    EXPECT_EQ(config.limiter.slots, 1024U);
    EXPECT_EQ(config.limiter.state_file, (good_folder / "files/limiter.state").string());
    EXPECT_TRUE(config.limiter.ietf_fields);
    EXPECT_FALSE(config.admin.show_users);
    EXPECT_TRUE(config.admin.user_metrics);
    EXPECT_EQ(config.streams.keep_alive, 5min);
    EXPECT_EQ(config.streams.commit_after, 1s);
    EXPECT_EQ(config.streams.buffer, 16U << 10);
    EXPECT_EQ(config.streams.end_grace, 60s);
    EXPECT_TRUE(config.streams.adds_done);
    EXPECT_EQ(config.retries, (Retries{.budget_percent = 0,
                                       .minimum = 100'000,
                                       .attempts_max = 20,
                                       .repeats_started = false,
                                       .repeats_timeouts = true}));
    EXPECT_EQ(config.log.level, log::Level::warn);
    EXPECT_FALSE(config.log.access);
    EXPECT_FALSE(config.server.tells_upstream);
    EXPECT_EQ(config.limiter.rejection_code, RejectionCode::text);
    EXPECT_EQ(config.defaults.moderations, "other");
}

TEST(Load, ReadsWhatClientsAreToldOfAModel) {
    const LoadResult result = load_good("every_setting.yaml");
    ASSERT_TRUE(result.config.has_value());
    const Model& model = result.config->models.front();
    EXPECT_EQ(model.answer_model, AnswerModel::upstream);
    EXPECT_TRUE(model.fallback_on.context_length);
    EXPECT_TRUE(model.fallback_on.unsupported_parameter);
    EXPECT_EQ(model.info.created, 7);
    EXPECT_EQ(model.info.members,
              R"(,"context_length":131072,"vision":true,"price":0.5,"name":"12",)"
              R"("modes":["text",1],"deep":{"a":null})");
    EXPECT_EQ(result.config->upstreams.front().pass_headers,
              (std::vector<std::string>{"x-openrouter-*", "anthropic-beta", "user-agent"}));
}

TEST(Load, ReadsEveryUpstreamKey) {
    const LoadResult result = load_good("every_setting.yaml");
    ASSERT_TRUE(result.config.has_value());
    ASSERT_EQ(result.config->upstreams.size(), 4U);
    const Upstream& gpu = result.config->upstreams[0];
    EXPECT_EQ(gpu.name, "gpu");
    EXPECT_EQ(gpu.kind, UpstreamKind::openai);
    EXPECT_EQ(gpu.endpoints.front(),
              (Endpoint{.tls = true, .host = "10.0.0.1", .port = 8443, .path_prefix = "/v1"}));
    ASSERT_TRUE(gpu.api_key.has_value());
    EXPECT_EQ(gpu.api_key->reveal(), "written-here");
    EXPECT_EQ(gpu.api_key_header, "x-api-key");
    EXPECT_EQ(gpu.headers, (std::vector<ExtraField>{{"authorization", Secret("Basic abc")},
                                                    {"x-title", Secret("My gateway")},
                                                    {"x-team", Secret("research")}}));
    EXPECT_EQ(gpu.account, "main");
    EXPECT_EQ(gpu.limits, (Ceilings{.rpm = 1, .tpm = 1'000'000'000}));
    EXPECT_EQ(gpu.timeouts, (UpstreamTimeouts{1ms, 2ms, 3ms, 4ms}));
    EXPECT_EQ(gpu.pool,
              (PoolSettings{.idle_max = 7, .idle_timeout = 5s, .age_max = 24h, .prewarm = 7}));
    EXPECT_EQ(
        gpu.proxy,
        (Proxy{.host = "proxy.internal", .port = 3128, .authorization = Secret("dXNlcjpwYXNz")}));
    EXPECT_EQ(gpu.tls.ca_file, (good_folder / "files/certificate.pem").string());
    EXPECT_EQ(gpu.tls.server_name, "gpu.internal");
    EXPECT_EQ(gpu.tls.client_certificate_file, (good_folder / "files/certificate.pem").string());
    EXPECT_EQ(gpu.tls.client_key_file, (good_folder / "files/key.pem").string());
    EXPECT_EQ(gpu.on_client_disconnect, OnClientDisconnect::drain);
    EXPECT_EQ(gpu.drain_usage, 6ms);
    EXPECT_EQ(gpu.stream_options, true);
    EXPECT_TRUE(gpu.continuous_usage);
    EXPECT_EQ(gpu.body, (BodyPolicy{.deny = {"seed", "Top_P"}, .allow = {"models"}}));
    const Upstream& echo = result.config->upstreams[1];
    EXPECT_EQ(echo.echo, (EchoSettings{.delay = 20ms, .tokens = 5}));
    const Upstream& azure = result.config->upstreams[2];
    EXPECT_EQ(azure.kind, UpstreamKind::azure);
    EXPECT_EQ(azure.api_version, "2024-10-21-preview");
}

TEST(Load, ReadsEveryKeyOfAnUpstreamWithEndpoints) {
    const LoadResult result = load_good("every_setting.yaml");
    ASSERT_TRUE(result.config.has_value());
    const Upstream& pair = result.config->upstreams.at(3);
    EXPECT_EQ(pair.endpoints,
              (std::vector<Endpoint>{
                  {.tls = false, .host = "10.0.0.2", .port = 8000, .path_prefix = "/v1"},
                  {.tls = false,
                   .host = "localhost",
                   .port = 80,
                   .path_prefix = "/v1",
                   .unix_socket = "/run/llm.sock"}}));
    EXPECT_EQ(pair.in_flight_max, 64U);
    EXPECT_EQ(pair.on_full, OnFull::queue);
    EXPECT_EQ(pair.queue, (QueueSettings{.waiting_max = 3, .timeout = 10min}));
    EXPECT_EQ(pair.prefix_affinity, 64U << 10);
    EXPECT_EQ(pair.health, (HealthCheck{.path = "/health?full=1",
                                        .model = "",
                                        .every = 100ms,
                                        .timeout = 5min,
                                        .unhealthy_after = 100,
                                        .healthy_after = 2}));
    EXPECT_EQ(pair.breaker, (BreakerSettings{.window = 10min,
                                             .requests_min = 1,
                                             .error_percent = 100,
                                             .connect_failures = 1,
                                             .open_for = 10ms,
                                             .open_max = 24h}));
}

TEST(Load, ReadsEveryModelGroupAndUserKey) {
    const LoadResult result = load_good("every_setting.yaml");
    ASSERT_TRUE(result.config.has_value());
    const Config& config = *result.config;
    ASSERT_EQ(config.models.size(), 2U);
    EXPECT_EQ(config.models[0].name, "gpt-4o");
    const Limits& limits = config.models[0].limits;
    EXPECT_EQ(limits.rpm, 60);
    EXPECT_EQ(limits.tpm, 1);
    EXPECT_EQ(limits.rpd, 2);
    EXPECT_EQ(limits.tpd, 3);
    EXPECT_EQ(limits.concurrency, 65535);
    EXPECT_EQ(limits.dry_run, (LimitNames{LimitName::tpm, LimitName::concurrency}));
    EXPECT_EQ(config.models[0].timeouts,
              (ModelTimeouts{.first_byte = 7ms, .between_bytes = 8ms, .total = 9ms}));
    EXPECT_EQ(config.models[0].route,
              (std::vector<RouteEntry>{{.upstream = 0, .weight = 90, .model = "llama 3"},
                                       {.upstream = 1, .weight = 0, .model = ""}}));
    EXPECT_EQ(config.models[0].fallback,
              (std::vector<RouteEntry>{{.upstream = 3, .model = "llama"}, {.upstream = 3}}));
    EXPECT_TRUE(config.models[0].is_sticky);
    EXPECT_TRUE(config.models[1].fallback.empty());
    EXPECT_FALSE(config.models[1].is_sticky);
    ASSERT_EQ(config.groups.size(), 2U);
    EXPECT_EQ(config.groups[0].name, "research");
    EXPECT_EQ(config.groups[0].limits.at("*").rpm, 0);
    EXPECT_EQ(config.groups[0].limits.at("*").dry_run, LimitNames::all());
    EXPECT_EQ(config.groups[1].name, "default");
    ASSERT_EQ(config.users.size(), 1U);
    const User& alice = config.users[0];
    EXPECT_EQ(alice.group, "research");
    EXPECT_EQ(alice.limits.at("gpt-4o").rpm, 1000000000);
    EXPECT_EQ(alice.limits.at("gpt-4o").dry_run, LimitNames());
    ASSERT_EQ(alice.keys.size(), 2U);
    const ApiKey& key = alice.keys[0];
    EXPECT_EQ(key.id, "laptop");
    EXPECT_EQ(key.sha256[0], 0x01);
    EXPECT_EQ(key.sha256[31], 0xef);
    ASSERT_TRUE(key.expires.has_value());
    EXPECT_EQ(*key.expires, WallTime(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1)));
    EXPECT_EQ(key.models, (std::vector<std::string>{"gpt-4o", "other"}));
    ASSERT_EQ(key.allow_ips.size(), 2U);
    EXPECT_TRUE(key.allow_ips[0].contains(*IpAddress::parse("10.9.8.7")));
    EXPECT_TRUE(key.allow_ips[1].contains(*IpAddress::parse("::1")));
    EXPECT_FALSE(alice.keys[1].expires.has_value());
    EXPECT_TRUE(alice.keys[1].models.empty());
    EXPECT_TRUE(alice.keys[1].allow_ips.empty());
}

TEST(Load, AcceptsAliases) {
    const LoadResult result = load_good("anchors.yaml");
    ASSERT_TRUE(result.config.has_value());
    EXPECT_EQ(result.config->models[0].limits.rpm, 7);
    EXPECT_EQ(result.config->models[1].limits.rpm, 7);
}

TEST(Load, TakesOffAndZeroForADurationThatMayBeOff) {
    const Config words = config_of(minimal() + "streams: {keep_alive: off, commit_after: off}\n");
    EXPECT_EQ(words.streams.keep_alive, 0ms);
    EXPECT_EQ(words.streams.commit_after, 0ms);
    const Config zeros = config_of(minimal() + "streams: {keep_alive: 0s, commit_after: 0ms}\n");
    EXPECT_EQ(zeros.streams.keep_alive, 0ms);
    EXPECT_EQ(zeros.streams.commit_after, 0ms);
    const Config rewritten = config_of(minimal() + "streams: {keep_alive: false}\n");
    EXPECT_EQ(rewritten.streams.keep_alive, 0ms);
}

TEST(Load, LetsAnUpstreamFindOutWhetherItTakesStreamOptions) {
    const auto with = [](std::string_view value) {
        return config_of(
            "upstreams: {a: {kind: openai, base_url: 'http://a', "
            "takes_stream_options: " +
            std::string(value) + "}}\nmodels: {m: {route: [{upstream: a}]}}\n" +
            std::string(minimal_server) + std::string(minimal_users));
    };
    EXPECT_EQ(with("auto").upstreams.at(0).stream_options, std::nullopt);
    EXPECT_EQ(with("false").upstreams.at(0).stream_options, false);
}

TEST(Load, AcceptsAStateFileThatIsThere) {
    const TempFolder folder;
    const std::string state = folder.write("limiter.state", "");
    const std::string file =
        folder.write("main.yaml", minimal() + "limiter: {state_file: limiter.state}\n");
    const LoadResult result = load(file, environment_of({}));
    ASSERT_TRUE(result.config.has_value());
    EXPECT_EQ(result.config->limiter.state_file, state);
}

/// Runs as a user that permissions stop, while it lives. (No change for a user that is not root.)
class WithoutRoot {
public:
    WithoutRoot() { EXPECT_TRUE(before_ != 0 || ::seteuid(65534) == 0); }
    WithoutRoot(const WithoutRoot&) = delete;
    WithoutRoot& operator=(const WithoutRoot&) = delete;
    ~WithoutRoot() { EXPECT_EQ(::seteuid(before_), 0); }

private:
    uid_t before_ = ::geteuid();
};

TEST(Load, RefusesAStateFileInAFolderThatMayNotBeWritten) {
    using std::filesystem::perms;
    const TempFolder folder;
    const std::string file =
        folder.write("main.yaml", minimal() + "limiter: {state_file: sealed/limiter.state}\n");
    std::filesystem::create_directory(folder.at("sealed"));
    const perms read_only = perms::owner_read | perms::owner_exec | perms::group_read |
                            perms::group_exec | perms::others_read | perms::others_exec;
    std::filesystem::permissions(folder.at("sealed"), read_only);
    std::filesystem::permissions(folder.at("."), read_only | perms::owner_write);
    const WithoutRoot without_root;
    EXPECT_EQ(lines_of(load(file, environment_of({})), file),
              std::vector<std::string>{
                  "5: limiter.state_file: the file cannot be written: its folder: Permission "
                  "denied, got sealed/limiter.state"});
}

TEST(Load, RemembersWhereEachEntryOfLimitsStands) {
    const TempFolder folder;
    const std::string users =
        folder.write("users.yaml", "users:\n  bob:\n    limits:\n      echo:\n        rpm: 1\n");
    const std::string main = folder.write(
        "main.yaml", std::string(minimal_server) + std::string(minimal_upstreams) +
                         "models:\n  echo:\n    route: [{upstream: echo}]\n    limits: {tpm: 2}\n"
                         "include: users.yaml\n");
    const LoadResult result = load(main, environment_of({}));
    ASSERT_TRUE(result.config.has_value());
    EXPECT_EQ(result.config->files, (std::vector<std::string>{main, users}));
    EXPECT_EQ(result.config->models[0].limits.location, (SourceLocation{.file = 0, .line = 6}));
    EXPECT_EQ(result.config->users[0].limits.at("echo").location,
              (SourceLocation{.file = 1, .line = 4}));
}

TEST(Load, FillsInTheEnvironment) {
    const Config config = config_of(
        std::string(minimal_server) + std::string(minimal_users) +
            "upstreams: {echo: {kind: echo, tokens: '${COUNT}'}}\n"
            "models:\n"
            "  whole: {route: [{upstream: '${NAME}', model: '${MODEL}'}]}\n"
            "  part: {route: [{upstream: 'e${PART}o', model: 'a${MODEL}b${MODEL}'}]}\n"
            "  escaped: {route: [{upstream: echo, model: '$${MODEL} costs 5$ or $$5'}]}\n",
        environment_of({{"COUNT", "7"}, {"NAME", "echo"}, {"PART", "ch"}, {"MODEL", "${X}"}}));
    ASSERT_EQ(config.models.size(), 3U);
    EXPECT_EQ(config.upstreams[0].echo.tokens, 7);
    EXPECT_EQ(config.models[0].route[0].model, "${X}") << "a value is not looked at again";
    EXPECT_EQ(config.models[1].route[0].model, "a${X}b${X}");
    EXPECT_EQ(config.models[2].route[0].model, "${MODEL} costs 5$ or $$5");
}

TEST(Load, TakesTheDefaultOfAVariableThatIsUnsetOrEmpty) {
    const std::string yaml =
        std::string(minimal_server) + std::string(minimal_users) +
        "upstreams:\n"
        "  echo: {kind: echo, tokens: '${COUNT:-8}'}\n"
        "  far: {kind: openai, base_url: 'https://${HOST:-api.test}/v1', api_key: '${KEY:-k}'}\n"
        "models:\n"
        "  m: {route: [{upstream: echo, model: 'a${A:-}b${B:-x:-$y}c'}, {upstream: far}]}\n";
    for (const Environment& environment :
         {environment_of({}),
          environment_of({{"COUNT", ""}, {"HOST", ""}, {"KEY", ""}, {"A", ""}, {"B", ""}})}) {
        const Config config = config_of(yaml, environment);
        EXPECT_EQ(config.upstreams[0].echo.tokens, 8);
        EXPECT_EQ(config.upstreams[1].endpoints[0].host, "api.test");
        EXPECT_EQ(config.upstreams[1].api_key->reveal(), "k");
        EXPECT_EQ(config.models[0].route[0].model, "abx:-$yc");
        EXPECT_EQ(config.warnings.empty(), false) << "the default of a key stands in the file";
    }
    const Config config = config_of(
        yaml,
        environment_of({{"COUNT", "7"}, {"HOST", "h"}, {"KEY", "v"}, {"A", "1"}, {"B", "2"}}));
    EXPECT_EQ(config.upstreams[0].echo.tokens, 7);
    EXPECT_EQ(config.upstreams[1].endpoints[0].host, "h");
    EXPECT_EQ(config.upstreams[1].api_key->reveal(), "v");
    EXPECT_EQ(config.models[0].route[0].model, "a1b2c");
}

TEST(Load, TurnsAnUpstreamOffWithItsVariable) {
    const std::string yaml = std::string(minimal_server) +
                             "upstreams:\n"
                             "  echo: {kind: echo}\n"
                             "  far:\n"
                             "    kind: openai\n"
                             "    when_env: FAR_KEY\n"
                             "    base_url: 'https://${FAR_HOST}/v1'\n"
                             "    api_key: ${FAR_KEY}\n"
                             "    tls: {ca_file: no_such_file}\n"
                             "models:\n"
                             "  near: {route: [{upstream: far, weight: 9}, {upstream: echo}]}\n"
                             "  away: {route: [{upstream: far}, {upstream: far, model: b}]}\n"
                             "  spare: {route: [{upstream: far}, {upstream: echo, weight: 0}]}\n"
                             "groups: {default: {limits: {away: {rpm: 1}}}}\n"
                             "users:\n"
                             "  alice:\n"
                             "    limits: {away: {rpm: 1}}\n"
                             "    keys: [{id: a, sha256: " +
                             std::string(64, 'a') + ", models: [away]}]\n";
    for (const Environment& environment : {environment_of({}), environment_of({{"FAR_KEY", ""}})}) {
        const Config config = config_of(yaml, environment);
        ASSERT_EQ(config.upstreams.size(), 1U);
        ASSERT_EQ(config.models.size(), 2U);
        EXPECT_EQ(config.models[0].name, "near");
        EXPECT_EQ(config.models[0].route, std::vector<RouteEntry>{RouteEntry{}});
        EXPECT_EQ(config.models[1].name, "spare");
        EXPECT_EQ(config.models[1].route[0].weight, 1U);
        EXPECT_EQ(config.notes,
                  (std::vector<std::string>{"upstream far is off: FAR_KEY is not set",
                                            "model away is off: FAR_KEY is not set"}));
        // An emptied list would allow every model.
        EXPECT_EQ(config.users[0].keys[0].models, std::vector<std::string>{"away"});
    }
}

TEST(Load, StillChecksTheKeysOfAnUpstreamThatIsOff) {
    const LoadResult off = load_text(
        std::string(minimal_server) + std::string(minimal_models) + std::string(minimal_users) +
            "upstreams:\n"
            "  echo: {kind: echo}\n"
            "  far: {kind: openai, when_env: X, base_uri: 'http://a'}\n",
        environment_of({}));
    ASSERT_EQ(off.problems.size(), 2U);
    EXPECT_EQ(off.problems[1].message, "needs base_url or endpoints");
    EXPECT_EQ(off.problems[0].message, "unknown key, did you mean base_url?");
}

TEST(Load, HashesTheTextOfAllFiles) {
    const Config first = config_of(minimal());
    EXPECT_EQ(config_of(minimal()).sha256, first.sha256);
    EXPECT_NE(config_of(minimal() + "# a comment\n").sha256, first.sha256);
}

TEST(Load, ReportsAFileThatCannotBeRead) {
    const TempFolder folder;
    const LoadResult missing = load(folder.at("none.yaml"), environment_of({}));
    ASSERT_EQ(missing.problems.size(), 1U);
    EXPECT_EQ(format(missing.problems[0]),
              folder.at("none.yaml") + ": cannot be read: No such file or directory");
    const LoadResult itself = load(folder.at(""), environment_of({}));
    ASSERT_EQ(itself.problems.size(), 1U);
    EXPECT_EQ(itself.problems[0].message, "cannot be read: is a directory");
    const LoadResult device = load("/dev/null", environment_of({}));
    ASSERT_EQ(device.problems.size(), 1U);
    EXPECT_EQ(device.problems[0].message, "cannot be read: is not a regular file");
}

TEST(Load, BoundsTheFileAndTheProblems) {
    const LoadResult large = load_text(std::string((64U << 20) + 1, '#'), environment_of({}));
    ASSERT_EQ(large.problems.size(), 1U);
    EXPECT_EQ(large.problems[0].message, "cannot be read: is larger than 67108864 bytes");

    std::string yaml = minimal();
    for (int i = 0; i < 1500; ++i) yaml += "wrong" + std::to_string(i) + ": 1\n";
    const LoadResult many = load_text(yaml, environment_of({}));
    ASSERT_EQ(many.problems.size(), 1001U);
    EXPECT_EQ(many.problems.back().message, "500 more problems");
}

TEST(Load, BoundsTheNumberOfEntries) {
    struct Row {
        std::string section, entry, rest;
        std::size_t count_max;
    };
    const std::string server(minimal_server);
    const std::string upstreams(minimal_upstreams);
    const std::string models(minimal_models);
    const std::string users(minimal_users);
    const Row rows[] = {
        {"upstreams", "{kind: echo}",
         server + "models: {echo: {route: [{upstream: e0}]}}\n" + users, 1000},
        {"models", "{route: [{upstream: echo}]}", server + upstreams + users, 10'000},
        {"groups", "{}", server + upstreams + models + users, 1000},
        {"users", "{}", server + upstreams + models, 100'000},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.section);
        std::string yaml = row.rest + row.section + ":\n";
        for (std::size_t i = 0; i < row.count_max; ++i) {
            yaml += "  e" + std::to_string(i) + ": " + row.entry + "\n";
        }
        EXPECT_TRUE(load_text(yaml, environment_of({})).config.has_value());
        yaml += "  one-more: " + row.entry + "\n";
        const LoadResult result = load_text(yaml, environment_of({}));
        ASSERT_FALSE(result.problems.empty());
        EXPECT_TRUE(std::ranges::any_of(result.problems, [&](const Problem& problem) {
            return problem.path == row.section && problem.message.starts_with("may have at most ");
        }));
    }
}

TEST(ProcessEnvironment, KnowsItsOwnVariablesOnly) {
    const Environment environment = process_environment();
    EXPECT_TRUE(environment("PATH").has_value());
    EXPECT_FALSE(environment("SLUICEGATE_TEST_THAT_NOBODY_SETS").has_value());
}

TEST(Load, LeavesOutWhatIsDisabled) {
    const std::string a(64, 'a');
    const std::string b(64, 'b');
    const std::string before =
        std::string(minimal_server) + std::string(minimal_upstreams) + std::string(minimal_models);
    const auto keys_of = [&](const std::string& user, const std::string& key) {
        return config_of(before + "users: {alice: {" + user + "keys: [{id: one, sha256: " + a +
                         key + "}, {id: two, sha256: " + b + "}]}}\n")
            .users.at(0)
            .keys;
    };
    EXPECT_EQ(keys_of("", ", disabled: false").size(), 2U);
    const auto one = keys_of("", ", disabled: true");
    ASSERT_EQ(one.size(), 2U);
    EXPECT_TRUE(one[0].is_disabled);
    EXPECT_FALSE(one[1].is_disabled);
    EXPECT_EQ(keys_of("disabled: true, ", "").size(), 2U);
    EXPECT_EQ(keys_of("disabled: false, ", "").size(), 2U);
}

}  // namespace
}  // namespace sluicegate::config
