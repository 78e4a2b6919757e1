#include "sluicegate/config/changes.hpp"

#include "config/support.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

using Lines = std::vector<std::string>;

const std::string hash_a(64, 'a');
const std::string hash_b(64, 'b');

std::string base() {
    return "server: {listen: [{address: '127.0.0.1:8080'}]}\n"
           "upstreams:\n"
           "  far: {kind: openai, base_url: 'https://a/v1', api_key: SECRET1}\n"
           "  echo: {kind: echo}\n"
           "models:\n"
           "  gpt-4o: {limits: {rpm: 60}, route: [{upstream: far, weight: 9}]}\n"
           "groups: {research: {limits: {'*': {rpm: 600}}}}\n"
           "users:\n"
           "  alice: {group: research, keys: [{id: laptop, sha256: " +
           hash_a + "}]}\n";
}

std::string changed(std::string_view from, std::string_view to) {
    std::string text = base();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(DescribeChanges, SaysNothingWhenNothingTakesEffect) {
    EXPECT_EQ(describe_changes(config_of(base()), config_of(base() + "# comment\n")), Lines{});
    EXPECT_EQ(describe_changes(config_of(base()), config_of(base() + "log: {level: info}\n")),
              Lines{});
}

TEST(DescribeChanges, SaysEachChangeOnce) {
    struct Row {
        std::string_view name, from, to;
        Lines lines;
    };
    const std::string other_key = "{id: laptop, sha256: " + hash_b + "}";
    const std::string with_admin =
        "admin: {hosts: [a.test, b.test], keys: [{id: ops, sha256: " + hash_b + "}]}\nserver: {";
    const std::string old_key = "{id: laptop, sha256: " + hash_a + "}";
    const std::string renamed_key = "{id: desk, sha256: " + hash_a + "}";
    const std::string narrowed_key =
        "{id: laptop, sha256: " + hash_a +
        ", expires: 2027-01-01, models: [gpt-4o], allow_ips: [10.0.0.0/8, '::1']}";
    const Row rows[] = {
        {"a limit", "rpm: 60}", "rpm: 600}", {"models.gpt-4o.limits.rpm 60 -> 600"}},
        {"a limit goes", "limits: {rpm: 60}, ", "", {"models.gpt-4o.limits.rpm 60 -> none"}},
        {"all limits",
         "rpm: 60}",
         "rpm: 60, tpm: 1, rpd: 2, tpd: 3, concurrency: 4, dry_run: [tpd, rpd]}",
         {"models.gpt-4o.limits.tpm none -> 1", "models.gpt-4o.limits.rpd none -> 2",
          "models.gpt-4o.limits.tpd none -> 3", "models.gpt-4o.limits.concurrency none -> 4",
          "models.gpt-4o.limits.dry_run none -> [rpd, tpd]"}},
        {"a dry run of all",
         "rpm: 600}",
         "rpm: 600, dry_run: true}",
         {"groups.research.limits.*.dry_run none -> true"}},
        {"a dry run of none",
         "rpm: 600}",
         "rpm: 600, dry_run: false}",
         {"groups.research.limits.*.dry_run none -> false"}},
        {"a model's timeouts",
         "weight: 9}]",
         "weight: 9}], timeouts: {first_byte: 1s, between_bytes: 2s, total: 3s}",
         {"models.gpt-4o.timeouts.first_byte none -> 1s",
          "models.gpt-4o.timeouts.between_bytes none -> 2s",
          "models.gpt-4o.timeouts.total none -> 3s"}},
        {"how usage is learnt",
         "api_key: SECRET1",
         "api_key: SECRET1, on_client_disconnect: drain, drain_timeout: 5s, takes_stream_options: "
         "true, continuous_usage_stats: true",
         {"upstreams.far.on_client_disconnect cancel -> drain",
          "upstreams.far.drain_timeout 30s -> 5s",
          "upstreams.far.takes_stream_options auto -> true",
          "upstreams.far.continuous_usage_stats false -> true"}},
        {"streams",
         "models:",
         "streams: {keep_alive: off, commit_after: 10s, buffer: 128KiB, end_grace: 0ms, add_done: "
         "true}\nmodels:",
         {"streams.keep_alive 15s -> off", "streams.commit_after off -> 10s",
          "streams.buffer 64KiB -> 128KiB", "streams.end_grace 2s -> 0ms",
          "streams.add_done false -> true"}},
        {"what others see",
         "models:",
         "admin: {show_users: false}\nlimiter: {ietf_fields: true}\nmodels:",
         {"admin.show_users true -> false", "limiter.ietf_fields false -> true"}},
        {"an upstream's endpoints",
         "base_url: 'https://a/v1'",
         "endpoints: ['https://a/v1', 'http://unix:/run/a:/v1']",
         {"upstreams.far.base_url https://a:443/v1 -> none",
          "upstreams.far.endpoints none -> https://a:443/v1, http://unix:/run/a:/v1"}},
        {"an upstream's account",
         "api_key: SECRET1",
         "api_key: SECRET1, api_key_header: api-key, headers: {X-Team: SECRET3}, account: main, "
         "limits: {rpm: 1, tpm: 2}",
         {"upstreams.far.api_key_header authorization -> api-key",
          "upstreams.far.headers.x-team added", "upstreams.far.account none -> main",
          "upstreams.far.limits.rpm none -> 1", "upstreams.far.limits.tpm none -> 2"}},
        {"an upstream's kind",
         "kind: openai, base_url: 'https://a/v1', api_key: SECRET1",
         "kind: azure, base_url: 'https://a/v1', api_key: SECRET1, api_version: 2024-10-21",
         {"upstreams.far.kind openai -> azure",
          "upstreams.far.api_key_header authorization -> api-key",
          "upstreams.far.api_version none -> 2024-10-21"}},
        {"an upstream's capacity",
         "api_key: SECRET1",
         "api_key: SECRET1, max_in_flight: 3, on_full: queue, queue: {timeout: 1s}",
         {"upstreams.far.max_in_flight none -> 3", "upstreams.far.on_full none -> queue",
          "upstreams.far.queue.max_waiting none -> 100", "upstreams.far.queue.timeout none -> 1s"}},
        {"an upstream's connections",
         "api_key: SECRET1",
         "api_key: SECRET1, prefix_affinity: 1KiB, pool: {max_age: 1m, prewarm: 2}, "
         "proxy: 'http://user:SECRET4@p:3128'",
         {"upstreams.far.prefix_affinity off -> 1KiB", "upstreams.far.pool.max_age 10m -> 1m",
          "upstreams.far.pool.prewarm 0 -> 2", "upstreams.far.proxy none -> http://p:3128",
          "upstreams.far.proxy.password added"}},
        {"a health check",
         "api_key: SECRET1",
         "api_key: SECRET1, health: {model: m}",
         {"upstreams.far.health.model none -> m", "upstreams.far.health.every none -> 5s",
          "upstreams.far.health.timeout none -> 2s",
          "upstreams.far.health.unhealthy_after none -> 2",
          "upstreams.far.health.healthy_after none -> 1"}},
        {"a breaker",
         "api_key: SECRET1",
         "api_key: SECRET1, breaker: {window: 1s, min_requests: 2, error_rate: 3%, "
         "connect_failures: 4, open_for: 4s, open_max: 6s}",
         {"upstreams.far.breaker.window 10s -> 1s", "upstreams.far.breaker.min_requests 10 -> 2",
          "upstreams.far.breaker.error_rate 50% -> 3%",
          "upstreams.far.breaker.connect_failures 3 -> 4",
          "upstreams.far.breaker.open_for 5s -> 4s", "upstreams.far.breaker.open_max 1m -> 6s"}},
        {"a fallback",
         "weight: 9}]",
         "weight: 9}], fallback: [{upstream: echo}, {upstream: far, model: a}], sticky: user",
         {"models.gpt-4o.sticky off -> user", "models.gpt-4o.fallback none -> echo, far as a"}},
        {"retries",
         "models:",
         "retries: {budget: 0%, minimum: 1, max_attempts: 2, repeat_started: false}\nmodels:",
         {"retries.budget 10% -> 0%", "retries.minimum 10 -> 1", "retries.max_attempts 5 -> 2",
          "retries.repeat_started true -> false"}},
        {"a group's limit", "rpm: 600}", "rpm: 5}", {"groups.research.limits.*.rpm 600 -> 5"}},
        {"a secret", "SECRET1", "SECRET2", {"upstreams.far.api_key changed"}},
        {"a secret goes", ", api_key: SECRET1", "", {"upstreams.far.api_key removed"}},
        {"a hash", old_key, other_key, {"users.alice.keys.laptop.sha256 changed"}},
        {"a key is renamed",
         old_key,
         renamed_key,
         {"users.alice.keys.laptop removed", "users.alice.keys.desk added"}},
        {"a key is narrowed",
         old_key,
         narrowed_key,
         {"users.alice.keys.laptop.expires none -> 2027-01-01T00:00:00Z",
          "users.alice.keys.laptop.models none -> gpt-4o",
          "users.alice.keys.laptop.allow_ips none -> 10.0.0.0/8, ::1"}},
        {"a user with keys is renamed",
         "alice:",
         "bob:",
         {"users.alice removed", "users.bob added"}},
        {"a user's group",
         "group: research",
         "group: default",
         {"users.alice.group research -> default"}},
        {"a route",
         "[{upstream: far, weight: 9}]",
         "[{upstream: echo, model: m}]",
         {"models.gpt-4o.route far weight 9 -> echo weight 1 as m"}},
        {"an upstream's URL",
         "https://a/v1",
         "https://b/v1",
         {"upstreams.far.base_url https://a:443/v1 -> https://b:443/v1"}},
        {"hosts and keys of the admin port",
         "server: {",
         with_admin,
         {"admin.hosts none -> a.test, b.test", "admin.keys.ops added"}},
        {"the server",
         "server: {",
         "server: {max_body: 1MiB, timeouts: {idle: 1s}, ",
         {"server.max_body 32MiB -> 1MiB", "server.timeouts.idle 75s -> 1s"}},
        {"the bounds on strangers",
         "server: {",
         "server: {max_connections_per_address: 9, max_in_flight: 8, auth_failures_per_minute: "
         "off, ",
         {"server.max_connections_per_address off -> 9", "server.max_in_flight off -> 8",
          "server.auth_failures_per_minute 60 -> off"}},
    };
    const Config running = config_of(base());
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(describe_changes(running, config_of(changed(row.from, row.to))), row.lines);
    }
}

TEST(DescribeChanges, ReversesWhenTheConfigurationsAreSwapped) {
    const Config one = config_of(base());
    const Config two = config_of(changed(", api_key: SECRET1", ""));
    EXPECT_EQ(describe_changes(two, one), Lines{"upstreams.far.api_key added"});
}

TEST(DescribeChanges, NeverHoldsASecretOrAHash) {
    const std::string next = changed("SECRET1", "SECRET2");
    for (const std::string& line : describe_changes(config_of(base()), config_of(next))) {
        EXPECT_EQ(line.find("SECRET"), std::string::npos);
    }
}

TEST(RestartOnlyChanges, AreNamedEach) {
    struct Row {
        std::string_view name, extra, server, path;
    };
    const std::string_view same = "address: '127.0.0.1:8080'";
    const Row rows[] = {
        {"threads", "T: threads: 2", same, "server.threads"},
        {"connections", "T: max_connections: 7", same, "server.max_connections"},
        {"admin", "admin: {listen: '127.0.0.1:9090'}\n", same, "admin.listen"},
        {"window", "limiter: {window: 1s}\n", same, "limiter.window"},
        {"slots", "limiter: {slots: 2048}\n", same, "limiter.slots"},
        {"state file", "limiter: {state_file: limiter.state}\n", same, "limiter.state_file"},
    };
    const Config running = config_of(base());
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        std::string yaml = changed(same, row.server);
        if (row.extra.starts_with("T: ")) {
            yaml.replace(0, 9, "server: {" + std::string(row.extra.substr(3)) + ", ");
        } else {
            yaml += row.extra;
        }
        const auto problems = restart_only_changes(running, config_of(yaml));
        ASSERT_EQ(problems.size(), 1U);
        EXPECT_EQ(problems[0].path, row.path);
        EXPECT_TRUE(problems[0].message.starts_with("can only change with a restart: "));
    }
}

TEST(RestartOnlyChanges, SayWhatIsRunningAndWhatTheFileSays) {
    const auto problems =
        restart_only_changes(config_of(base()), config_of(base() + "limiter: {window: 1s}\n"));
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(format(problems[0]),
              "limiter.window: can only change with a restart: 1m is running, the file says 1s");
}

TEST(RestartOnlyChanges, LeaveEverythingElseToAReload) {
    const TempFolder folder;
    const std::string tls =
        "server: {listen: [{address: '127.0.0.1:1', tls: {certificate: CERT, private_key: "
        "KEY}}]}\n";
    const std::string rest =
        std::string(minimal_upstreams) + std::string(minimal_models) + std::string(minimal_users);
    const auto files = support::source_folder() / "tests/config/good/files";
    const std::string pair =
        text_of_file(files / "certificate.pem") + text_of_file(files / "key.pem");
    folder.write("a", pair);
    folder.write("b", pair);
    const auto load_with = [&](const std::string& name) {
        std::string text = tls;
        text.replace(text.find("CERT"), 4, name);
        text.replace(text.find("KEY"), 3, name);
        return load(folder.write("main.yaml", text + rest), environment_of({})).config.value();
    };
    const Config one = load_with("a");
    const Config two = load_with("b");
    EXPECT_TRUE(restart_only_changes(one, two).empty());
    EXPECT_EQ(describe_changes(one, two).size(), 1U);

    Config plain = one;
    plain.server.listen[0].tls.reset();
    EXPECT_TRUE(restart_only_changes(one, plain).empty());
    Config moved = one;
    moved.server.listen[0].port = 2;
    moved.server.listen.push_back(one.server.listen[0]);
    EXPECT_TRUE(restart_only_changes(one, moved).empty());
    EXPECT_EQ(describe_changes(one, moved).size(), 1U);
}

}  // namespace
}  // namespace sluicegate::config
