#include "config/support.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::config {
namespace {

/// Loads a configuration whose second upstream has the api_key `value`.
LoadResult load_key(const TempFolder& folder, std::string_view value,
                    const Environment& environment) {
    folder.write("upstream.yaml",
                 "upstreams:\n  far:\n    kind: openai\n    base_url: http://a\n"
                 "    api_key: " +
                     std::string(value) + "\n");
    return load(folder.write("main.yaml", minimal() + "include: upstream.yaml\n"), environment);
}

TEST(ApiKeySecret, ComesFromTheTextAVariableOrAFile) {
    const TempFolder folder;
    folder.write("unix", "from-file\n");
    folder.write("dos", "from-file\r\n");
    folder.write("bare", "from-file");
    const Environment environment =
        environment_of({{"KEY", "from-variable"}, {"FILE", "unix"}, {"ODD", "file:unix"}});
    struct Row {
        std::string_view value, secret;
    };
    const Row rows[] = {
        {"literal", "literal"},        {"${KEY}", "from-variable"}, {"a-${KEY}", "a-from-variable"},
        {"file:unix", "from-file"},    {"file:dos", "from-file"},   {"file:bare", "from-file"},
        {"file:${FILE}", "from-file"}, {"${ODD}", "file:unix"},  // a secret may look like anything
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.value);
        const LoadResult result = load_key(folder, row.value, environment);
        for (const Problem& problem : result.problems) ADD_FAILURE() << format(problem);
        ASSERT_TRUE(result.config.has_value());
        EXPECT_EQ(result.config->upstreams[1].api_key->reveal(), row.secret);
    }
}

TEST(ApiKeySecret, IsReadFromAnAbsolutePath) {
    const TempFolder folder;
    const TempFolder elsewhere;
    const std::string path = elsewhere.write("secret", "far-away\n");
    const LoadResult result = load_key(folder, "file:" + path, environment_of({}));
    ASSERT_TRUE(result.config.has_value());
    EXPECT_EQ(result.config->upstreams[1].api_key->reveal(), "far-away");
}

TEST(ApiKeySecret, MayNotBreakOutOfAHeaderField) {
    const TempFolder folder;
    for (const std::string_view text :
         {"a\nx: y", "a\r\nx: y", "a\n\n", "a b", "\xc3\xa4", "\x7f", " a", "a\t", "\n"}) {
        SCOPED_TRACE(text);
        folder.write("secret", text);
        EXPECT_FALSE(load_key(folder, "file:secret", environment_of({})).config.has_value());
        EXPECT_FALSE(
            load_key(folder, "${KEY}", environment_of({{"KEY", std::string(text)}})).config);
    }
    folder.write("secret", std::string(8192, 'a'));
    EXPECT_TRUE(load_key(folder, "file:secret", environment_of({})).config.has_value());
    folder.write("secret", std::string(8193, 'a'));
    EXPECT_FALSE(load_key(folder, "file:secret", environment_of({})).config.has_value());
}

TEST(ApiKeySecret, AppearsInNoMessageWhereverItWasPut) {
    // A value from the environment, or one that looks like a key, in every scalar of a file.
    const std::string_view places[] = {
        "server: {listen: [{address: 'X'}]}",
        "server: {listen: [{address: 'X:X'}]}",
        "server: {listen: [{address: '127.0.0.1:X'}]}",
        "server: {listen: [{address: '127.0.0.1:0', tls: {certificate: 'X', private_key: 'X'}}]}",
        "server: {threads: 'X', max_body: 'X', timeouts: {idle: 'X'}}",
        "server: 'X'",
        "limiter: {window: 'X', slots: 'X'}",
        "log: {level: 'X', access: 'X'}",
        "upstreams: {u: {kind: 'X', base_url: 'X'}}",
        "upstreams: {u: {kind: openai, base_url: 'https://u:X@h/X', api_key: [X]}}",
        "upstreams: {u: {kind: openai, base_url: 'X', tls: {server_name: 'X y', ca_file: 'X'}}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h:X/', pool: {max_idle: 'X'}}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h/', api_key: 'X y'}}",
        "upstreams: {u: {kind: echo, when_env: 'X y'}}",
        "models: {m: {route: [{upstream: 'X', weight: 'X', model: \"X\\n\"}]}}",
        "models: {m: {limits: {rpm: 'X'}, route: 'X'}}",
        "users: {u: {group: 'X', limits: {X: {rpm: 'X'}}}}",
        "users: {u: {keys: [{id: 'X y', sha256: 'X', expires: 'X', models: ['X']}]}}",
        "users: {u: {keys: [{allow_ips: ['X', '10.0.0.1/X']}]}}",
        "users: {u: {limits: {'*': {tpm: 'X', concurrency: 'X', dry_run: 'X'}}}}",
        "users: {u: {limits: {'*': {dry_run: ['X', X]}}}}",
        "models: {m: {timeouts: {first_byte: 'X', X: 1s}, route: 'X'}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h/', on_client_disconnect: 'X'}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h/', takes_stream_options: 'X'}}",
        "limiter: {state_file: 'X/X', ietf_fields: 'X'}",
        "streams: {keep_alive: 'X', commit_after: 'X', buffer: 'X', X: 1}",
        "upstreams: {u: {kind: openai, endpoints: ['http://h', 'http://u:X@h/X', X]}}",
        "upstreams: {u: {kind: openai, base_url: 'http://unix:/X:X', max_in_flight: 'X'}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', max_in_flight: 1, on_full: 'X'}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', health: {path: 'X', model: 'X'}}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', breaker: {error_rate: 'X', X: 1}}}",
        "models: {m: {sticky: 'X', route: [{upstream: u}], fallback: [{upstream: 'X'}]}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', headers: {X: 'X', Host: 'X'}}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', headers: {a: \"X\\n\", b: [X]}}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', api_key: a, api_key_header: 'X:'}}",
        "upstreams: {u: {kind: azure, base_url: 'http://h', api_version: 'X', account: 'X y'}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', limits: {rpm: 'X'}}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', proxy: 'http://X:X@X_..:X'}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', proxy: 'http://X@p:1'}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', prefix_affinity: 'X'}}",
        "upstreams: {u: {kind: openai, base_url: 'http://h', pool: {max_age: 'X', X: 1}}}",
        "retries: {budget: 'X', max_attempts: 'X', repeat_started: 'X'}",
        "admin: {show_users: 'X'}",
        "users: {u: {keys: [X]}}",
        "users: {u: {X: 1}}",
        "users: {u: {keys: {X: 1}}}",
        "X: 1",
    };
    const std::string_view secrets[] = {"sk-sg-CANARYcanaryCANARYcanary", "${CANARY}",
                                        "CANARY0123456789abcdef0123456789abcdef0123456789abcdef01"};
    for (const std::string_view place : places) {
        for (const std::string_view secret : secrets) {
            std::string yaml(place);
            for (std::size_t at = 0; (at = yaml.find('X', at)) != std::string::npos;) {
                yaml.replace(at, 1, secret);
                at += secret.size();
            }
            SCOPED_TRACE(yaml);
            const LoadResult result =
                load_text(yaml + "\n", environment_of({{"CANARY", "sk-CANARY canary"}}));
            EXPECT_FALSE(result.problems.empty());
            for (const Problem& problem : result.problems) {
                const std::string line = format(problem);
                const bool names_the_variable = line.find("{CANARY}") != std::string::npos ||
                                                line.find("variable CANARY") != std::string::npos;
                EXPECT_TRUE(names_the_variable || line.find("CANARY") == std::string::npos) << line;
            }
        }
    }
}

}  // namespace
}  // namespace sluicegate::config
