// The text of `sluicegate config show`.
#include "sluicegate/config/changes.hpp"

#include "config/support.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::config {
namespace {

const std::filesystem::path checkout = support::source_folder();

LoadResult load_shown(const std::string& file, const Environment& environment) {
    return load(file, environment, EffectiveText::always);
}

/// Each hidden digest becomes another one, as a file needs them.
std::string with_digests(std::string text) {
    const std::string mark = "sha256: \"***\"";
    int count = 0;
    for (std::size_t at = 0; (at = text.find(mark)) != std::string::npos; ++count) {
        std::string digest = std::to_string(count);
        digest.insert(0, 64 - digest.size(), '0');
        text.replace(at, mark.size(), "sha256: " + digest);
    }
    return text;
}

TEST(EffectiveText, MeansTheSameAsTheFiles) {
    const Environment environment = environment_of(
        {{"OPENAI_API_KEY", "k1"}, {"ANTHROPIC_API_KEY", "k2"}, {"AZURE_OPENAI_API_KEY", "k3"}});
    std::vector<std::filesystem::path> files;
    for (const char* const folder : {"tests/config/good", "config"}) {
        for (const auto& entry : std::filesystem::directory_iterator(checkout / folder)) {
            if (entry.path().extension() == ".yaml") files.push_back(entry.path());
        }
    }
    ASSERT_GE(files.size(), 6U);
    const TempFolder folder;
    for (const auto& file : files) {
        SCOPED_TRACE(file.string());
        const LoadResult before = load_shown(file.string(), environment);
        if (!before) continue;  // it needs files or variables that are not here
        const std::string text = with_digests(before.config->effective_text);
        const LoadResult after = load_shown(folder.write("shown.yaml", text), environment);
        ASSERT_TRUE(after) << format(after.problems.front()) << '\n' << text;
        for (const std::string& change : describe_changes(*before.config, *after.config)) {
            const bool is_of_secret = change.find("sha256") != std::string::npos ||
                                      change.find("api_key") != std::string::npos ||
                                      change.find("headers.") != std::string::npos ||
                                      change.find("proxy") != std::string::npos;
            EXPECT_TRUE(is_of_secret) << change;
        }
        EXPECT_TRUE(restart_only_changes(*before.config, *after.config).empty());
        EXPECT_EQ(before.config->notes, after.config->notes);
    }
}

TEST(EffectiveText, HidesSecretsAndNamesOrigins) {
    const TempFolder folder;
    folder.write("more/users.yaml",
                 "users:\n  bob: {keys: [{id: k, sha256: " + std::string(64, 'b') + "}]}\n");
    folder.write("secret.txt", "sk-of-a-file\n");
    const std::string main = folder.write(
        "main.yaml",
        "include: more/users.yaml\n"
        "server: {listen: [{address: '127.0.0.1:0'}], threads: '${THREADS:-2}'}\n"
        "upstreams:\n"
        "  a:\n"
        "    kind: openai\n"
        "    base_url: 'https://${HOST}/v1'\n"
        "    api_key: sk-literal\n"
        "    headers: {x-token: header-secret}\n"
        "    proxy: http://user:proxy-secret@127.0.0.1:3128\n"
        "  b: {kind: openai, base_url: 'https://b.test/v1', api_key: 'file:secret.txt'}\n"
        "  c: {kind: openai, base_url: 'https://c.test/v1', api_key: '${KEY}'}\n"
        "models: {m: {route: [{upstream: a}, {upstream: b}, {upstream: c}]}}\n"
        "users:\n  alice: {keys: [{id: k, sha256: " +
            std::string(64, 'a') + "}]}\n");
    const LoadResult loaded =
        load_shown(main, environment_of({{"HOST", "host-of-env"}, {"KEY", "key-of-env"}}));
    ASSERT_TRUE(loaded) << format(loaded.problems.front());
    const std::string& text = loaded.config->effective_text;
    for (const char* const secret : {"sk-literal", "header-secret", "proxy-secret", "sk-of-a-file",
                                     "key-of-env", "host-of-env", "aaaa", "bbbb", "include"}) {
        EXPECT_EQ(text.find(secret), std::string::npos) << secret << '\n' << text;
    }
    for (const std::string& line :
         {"    kind: openai  # " + main + ":5\n", "    api_key: \"***\"  # " + main + ":7\n",
          std::string("    base_url: \"https://${HOST}/v1\"  # ") + main + ":6\n",
          "  bob:\n    keys:\n      - id: k  # " + folder.at("more/users.yaml") + ":2\n",
          std::string("  max_body: 32MiB  # default\n"),
          std::string("    disabled: false  # default\n")}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << '\n' << text;
    }
    EXPECT_EQ(load(main, environment_of({{"HOST", "h"}, {"KEY", "k"}})).config->effective_text, "");
}

TEST(EffectiveChanges, RefuseWhatNeedsARestart) {
    const std::string listen = "server: {listen: [{address: '127.0.0.1:0'}]";
    const std::string rest =
        "upstreams: {echo: {kind: echo}}\nmodels: {m: {route: [{upstream: echo}]}}\n"
        "users: {alice: {}}\n";
    const std::string admin = "admin: {listen: '127.0.0.1:9'";
    const std::string pem = (checkout / "tests/config/warn/files/").string();
    const std::string tls =
        ", tls: {certificate: " + pem + "certificate.pem, private_key: " + pem + "open_key.pem}";
    const std::string before = listen + "}\n" + admin + "}\n" + rest;
    const std::string rows[] = {
        listen + ", threads: 3}\n" + admin + "}\n" + rest,
        listen + ", max_connections: 5}\n" + admin + "}\n" + rest,
        listen + "}\n" + rest,
        listen + "}\nadmin: {listen: '127.0.0.1:10'}\n" + rest,
        listen + "}\n" + admin + tls + "}\n" + rest,
        before + "limiter: {window: 30s}\n",
        before + "limiter: {slots: 4096}\n",
        before + "limiter: {state_file: state}\n",
        before + "log: {level: debug}\n",
    };
    const TempFolder folder;
    const auto shown = [&folder](const std::string& text) {
        LoadResult loaded = load_shown(folder.write("main.yaml", text), environment_of({}));
        EXPECT_TRUE(loaded) << text << format(loaded.problems.front());
        return std::move(*loaded.config);
    };
    const Config running = shown(before);
    const auto refuses = [](const Config& from, const Config& to) {
        const auto changes = changes_of_texts(from.effective_text, to.effective_text);
        return changes && !changes->refused.empty();
    };
    for (const std::string& row : rows) {
        SCOPED_TRACE(row);
        const Config next = shown(row);
        EXPECT_EQ(refuses(running, next), !restart_only_changes(running, next).empty());
        EXPECT_EQ(refuses(next, running), !restart_only_changes(next, running).empty());
        EXPECT_EQ(refuses(running, next), row.find("log:") == std::string::npos);
    }
}

}  // namespace
}  // namespace sluicegate::config
