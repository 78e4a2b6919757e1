#include "config/known_keys.hpp"
#include "config/node.hpp"
#include "config/problems.hpp"
#include "config/support.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

using nlohmann::json;

const std::filesystem::path config_folder = support::source_folder() / "config";
constexpr std::string_view shipped[] = {"quickstart.yaml", "sluicegate.yaml", "production.yaml"};

/// A copy of a shipped file, together with the files that it names.
std::string install(const TempFolder& folder, std::string_view name) {
    const auto files = support::source_folder() / "tests/config/good/files";
    const std::string pem =
        text_of_file(files / "certificate.pem") + text_of_file(files / "key.pem");
    for (const std::string_view file :
         {"tls/fullchain.pem", "tls/privkey.pem", "tls/client-ca.pem", "tls/gpu-ca.pem",
          "tls/gateway.pem", "tls/gateway-key.pem", "tls/internal-ca.pem"}) {
        folder.write(file, pem);
    }
    for (const std::string_view file : {"secrets/gpu-key", "secrets/azure-key",
                                        "secrets/openai-api-key", "secrets/gpu-api-key"}) {
        folder.write(file, "a-secret\n");
    }
    std::filesystem::create_directory(folder.at("state"));
    folder.write("users.d/team.yaml", "users: {carol: {group: research}}\n");
    return folder.write(name, text_of_file(config_folder / name));
}

std::string hex(const std::array<std::uint8_t, 32>& bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0xF];
    }
    return text;
}

TEST(ShippedFiles, LoadOnceWhatTheyNameIsThere) {
    for (const std::string_view name : shipped) {
        SCOPED_TRACE(name);
        const TempFolder folder;
        const LoadResult result =
            load(install(folder, name), environment_of({{"OPENAI_API_KEY", "sk-test"}}));
        for (const Problem& problem : result.problems) ADD_FAILURE() << format(problem);
        ASSERT_TRUE(result.config.has_value());
        EXPECT_TRUE(result.config->notes.empty());
    }
}

TEST(ShippedFiles, QuickstartNeedsNothingAtAll) {
    const LoadResult result =
        load((config_folder / "quickstart.yaml").string(), environment_of({}));
    for (const Problem& problem : result.problems) ADD_FAILURE() << format(problem);
    ASSERT_TRUE(result.config.has_value());
    const Config& config = *result.config;
    ASSERT_EQ(config.server.listen.size(), 1U);
    EXPECT_EQ(config.server.listen[0].host, "127.0.0.1");
    EXPECT_EQ(config.server.listen[0].port, 8080);
    ASSERT_TRUE(config.admin.listen.has_value());
    EXPECT_EQ(config.admin.listen->port, 9090);
    ASSERT_EQ(config.models.size(), 1U);
    EXPECT_EQ(config.models[0].name, "echo");
    EXPECT_EQ(config.notes,
              (std::vector<std::string>{"upstream openai is off: OPENAI_API_KEY is not set",
                                        "model gpt-4o-mini is off: OPENAI_API_KEY is not set"}));
    ASSERT_EQ(config.users.size(), 2U);
    // printf %s sk-sg-quickstart-alice | sha256sum
    ASSERT_EQ(config.users[0].keys.size(), 1U);
    EXPECT_EQ(hex(config.users[0].keys[0].sha256),
              "5ff7d303f557f5e8ef01f3c8c4f68b0def5cffe831f755d1d63f02020e6c947c");
    ASSERT_EQ(config.users[1].keys.size(), 1U);
    EXPECT_EQ(hex(config.users[1].keys[0].sha256),
              "b29457ec2efd1f3b701f728931f532610b6d42638cd11a05adec4553ea40356b");
    const Limits alice = resolve_limits(config, config.users[0], config.models[0]);
    const Limits bob = resolve_limits(config, config.users[1], config.models[0]);
    EXPECT_EQ(alice.rpm, 20);
    EXPECT_EQ(bob.rpm, 600);
}

TEST(ShippedFiles, QuickstartOffersOpenAiOnceThereIsAKey) {
    const LoadResult result = load((config_folder / "quickstart.yaml").string(),
                                   environment_of({{"OPENAI_API_KEY", "sk-test"}}));
    ASSERT_TRUE(result.config.has_value());
    EXPECT_EQ(result.config->models.size(), 2U);
    EXPECT_TRUE(result.config->notes.empty());
    EXPECT_EQ(result.config->upstreams[1].api_key->reveal(), "sk-test");
}

/// Every path that a tree uses, names replaced as in Shape::path.
void collect_paths(const Node& node, const std::string& path, std::set<std::string>& into) {
    if (node.kind == Node::Kind::list) {
        for (const Node& item : node.items) collect_paths(item, path + "[]", into);
    }
    if (node.kind != Node::Kind::map) return;
    const std::set<std::string> by_name = {"upstreams", "models", "groups", "users"};
    const std::set<std::string> by_model = {"groups.NAME.limits", "users.NAME.limits"};
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        std::string key(node.keys[i].text);
        if (by_name.contains(path)) key = "NAME";
        if (by_model.contains(path)) key = "MODEL";
        std::string child = path;
        if (!child.empty()) child += '.';
        child += key;
        into.insert(child);
        collect_paths(node.items[i], child, into);
    }
}

std::optional<Node> tree_of_text(std::string_view text, NodeStore& store) {
    Problems problems;
    const auto file = problems.add_file("text");
    return parse_yaml(text, file, store, problems);
}

TEST(ShippedFiles, ReferenceShowsEveryKey) {
    NodeStore store;
    const auto tree = tree_of_text(text_of_file(config_folder / "sluicegate.yaml"), store);
    ASSERT_TRUE(tree.has_value());
    std::set<std::string> used;
    collect_paths(*tree, "", used);
    for (const Shape& shape : shapes()) {
        for (const std::string_view key : shape.keys) {
            const std::string path = shape.path.empty()
                                         ? std::string(key)
                                         : std::string(shape.path) + '.' + std::string(key);
            EXPECT_TRUE(used.contains(path)) << path;
        }
    }
}

/// The parts of JSON Schema that sluicegate.schema.json uses for the shape of a file: properties,
/// required, items, pattern, enum, const, type, anyOf, oneOf.
class Validator {
public:
    explicit Validator(const json& root) : root_(root) {}

    [[nodiscard]] bool accepts(const Node& node, const json& unresolved) const {
        if (unresolved.contains("$ref")) {
            const auto pointer = unresolved["$ref"].get<std::string>().substr(1);
            return accepts(node, root_.at(json::json_pointer(pointer)));
        }
        const json& schema = unresolved;
        for (const char* choice : {"anyOf", "oneOf"}) {
            if (schema.contains(choice) && !any_accepts(node, schema[choice])) return false;
        }
        if (schema.contains("type") && !has_type(node, schema["type"])) return false;
        if (schema.contains("enum") && !contains(schema["enum"], std::string(node.text)))
            return false;
        if (schema.contains("const") && schema["const"] != node.text) return false;
        if (schema.contains("pattern") &&
            !std::regex_search(std::string(node.text),
                               std::regex(schema["pattern"].get<std::string>()))) {
            return false;
        }
        if (node.kind == Node::Kind::list) return accepts_list(node, schema);
        if (node.kind == Node::Kind::map) return accepts_map(node, schema);
        return true;
    }

private:
    [[nodiscard]] bool any_accepts(const Node& node, const json& choices) const {
        return std::ranges::any_of(choices,
                                   [&](const json& choice) { return accepts(node, choice); });
    }

    static bool contains(const json& list, const std::string& text) {
        return std::ranges::find(list, json(text)) != list.end();
    }

    static bool has_type(const Node& node, const json& type) {
        if (type.is_array()) {
            return std::ranges::any_of(type, [&](const json& one) { return has_type(node, one); });
        }
        const bool is_plain = node.kind == Node::Kind::scalar && !node.is_quoted;
        if (type == "object") return node.kind == Node::Kind::map;
        if (type == "array") return node.kind == Node::Kind::list;
        if (type == "null") return node.kind == Node::Kind::null;
        if (type == "boolean") return is_plain && (node.text == "true" || node.text == "false");
        if (type == "integer") {
            return is_plain && std::regex_match(std::string(node.text), std::regex("-?[0-9]+"));
        }
        return type == "string" && node.kind == Node::Kind::scalar;
    }

    [[nodiscard]] bool accepts_list(const Node& node, const json& schema) const {
        if (!schema.contains("items")) return true;
        return std::ranges::all_of(
            node.items, [&](const Node& item) { return accepts(item, schema["items"]); });
    }

    [[nodiscard]] bool accepts_map(const Node& node, const json& schema) const {
        for (const json& name : schema.value("required", json::array())) {
            const bool is_there =
                std::ranges::any_of(node.keys, [&](const Node& key) { return name == key.text; });
            if (!is_there) return false;
        }
        for (std::size_t i = 0; i < node.keys.size(); ++i) {
            const json properties = schema.value("properties", json::object());
            const std::string key(node.keys[i].text);
            const json& value_schema = properties.contains(key)
                                           ? properties[key]
                                           : schema.value("additionalProperties", json(true));
            if (value_schema == json(false)) return false;
            if (value_schema.is_object() && !accepts(node.items[i], value_schema)) return false;
        }
        return true;
    }

    const json& root_;
};

TEST(ShippedFiles, NameTheSchemaForEditors) {
    for (const auto& entry : std::filesystem::directory_iterator(config_folder)) {
        if (entry.path().extension() != ".yaml") continue;
        EXPECT_TRUE(text_of_file(entry.path())
                        .starts_with("# yaml-language-server: $schema=sluicegate.schema.json\n"))
            << entry.path();
    }
}

TEST(ShippedFiles, FollowTheJsonSchema) {
    const json schema = json::parse(text_of_file(config_folder / "sluicegate.schema.json"));
    const Validator validator(schema);
    for (const std::string_view name : shipped) {
        NodeStore store;
        const auto tree = tree_of_text(text_of_file(config_folder / name), store);
        ASSERT_TRUE(tree.has_value()) << name;
        EXPECT_TRUE(validator.accepts(*tree, schema)) << name;
    }
    for (const std::string_view wrong :
         {"servers: {}", "server: {}", "server: {listen: [{address: nowhere}]}",
          "models: {a: {route: [{upstream: b, weight: x}]}}", "log: {level: loud}",
          "upstreams: {a: {kind: echo, delay: 5}}", "retries: {store: 10}",
          "upstreams: {a: {kind: openai, endpoints: http://a}}",
          "upstreams: {a: {kind: azure, api_version: v1}}",
          "upstreams: {a: {kind: openai, limits: {rpm: x}}}",
          "upstreams: {a: {kind: openai, headers: {a: [b]}}}",
          "upstreams: {a: {kind: openai, health: {path: health}}}",
          "models: {a: {route: [{upstream: b}], fallback: [{upstream: b, weight: 1}]}}",
          "streams: {keep_alive: 15}",
          "models: {a: {route: [{upstream: b}], limits: {dry_run: [tmp]}}}",
          "groups: {a: {limits: {b: {dry_run: 1}}}}", "users: {a: {keys: [{id: x}]}}"}) {
        NodeStore store;
        const auto tree = tree_of_text(wrong, store);
        ASSERT_TRUE(tree.has_value()) << wrong;
        EXPECT_FALSE(validator.accepts(*tree, schema)) << wrong;
    }
}

}  // namespace
}  // namespace sluicegate::config
