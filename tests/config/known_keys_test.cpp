#include "config/known_keys.hpp"

#include "sluicegate/config/upstream_kind.hpp"

#include "config/support.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

using nlohmann::json;

const std::filesystem::path root_folder = support::source_folder();

std::set<std::string> known_paths() {
    std::set<std::string> paths;
    for (const Shape& shape : shapes()) {
        for (const std::string_view key : shape.keys) {
            const std::string path(shape.path);
            paths.insert(path.empty() ? std::string(key) : path + '.' + std::string(key));
        }
    }
    return paths;
}

/// The paths in the first column of the tables of docs/configuration.md.
std::set<std::string> documented_paths() {
    std::set<std::string> paths;
    const std::string page = text_of_file(root_folder / "docs/configuration.md");
    const std::regex row("(^|\n)\\| `([^`]+)` \\|");
    for (std::sregex_iterator match(page.begin(), page.end(), row), end; match != end; ++match) {
        paths.insert((*match)[2].str());
    }
    return paths;
}

void collect(const json& schema, const json& root, const std::string& path,
             std::set<std::string>& into) {
    if (schema.contains("$ref")) {
        const auto pointer = schema["$ref"].get<std::string>().substr(1);
        collect(root.at(json::json_pointer(pointer)), root, path, into);
        return;
    }
    if (schema.contains("properties")) {
        EXPECT_EQ(schema.value("additionalProperties", json(true)), json(false)) << path;
        for (const auto& [key, value] : schema["properties"].items()) {
            std::string child = path;
            if (!child.empty()) child += '.';
            child += key;
            into.insert(child);
            collect(value, root, child, into);
        }
    } else if (schema.contains("additionalProperties")) {
        const std::string name = path.ends_with("limits") ? ".MODEL" : ".NAME";
        collect(schema["additionalProperties"], root, path + name, into);
    }
    if (schema.contains("items")) collect(schema["items"], root, path + "[]", into);
}

TEST(KnownKeys, AreThoseOfTheDocumentation) {
    EXPECT_EQ(documented_paths(), known_paths());
}

TEST(KnownKeys, AreThoseOfTheJsonSchema) {
    const json schema = json::parse(text_of_file(root_folder / "config/sluicegate.schema.json"));
    std::set<std::string> paths;
    collect(schema, schema, "", paths);
    EXPECT_EQ(paths, known_paths());
}

TEST(KnownKeys, OfUpstreamsHaveTheKindsOfTheJsonSchema) {
    const json schema = json::parse(text_of_file(root_folder / "config/sluicegate.schema.json"));
    std::vector<std::string> names;
    for (const UpstreamKindRow& row : upstream_kinds()) names.emplace_back(row.name);
    EXPECT_EQ(schema.at("/$defs/upstream/properties/kind/anyOf/0/enum"_json_pointer), json(names));
}

TEST(KnownKeys, StandInTheOrderOfTheirSections) {
    ASSERT_EQ(shapes().size(), static_cast<std::size_t>(Section::count_));
    for (std::size_t i = 0; i < shapes().size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(shapes()[i].section), i);
    }
}

}  // namespace
}  // namespace sluicegate::config
