#pragma once
/// Configurations for tests: files in a temporary folder, and an environment that is a map.

#include "sluicegate/config/load.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sluicegate::config {

/// A temporary folder, which is removed with its contents.
class TempFolder {
public:
    TempFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "config-XXXXXX").string();
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        path_ = pattern;
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string at(std::string_view name) const {
        return (path_ / std::filesystem::path(name)).string();
    }
    /// Creates the folders of its path too. Returns the path.
    std::string write(std::string_view name, std::string_view text) const {
        const std::filesystem::path file = path_ / std::filesystem::path(name);
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        return file.string();
    }

private:
    std::filesystem::path path_;
};

inline Environment environment_of(std::map<std::string, std::string> variables) {
    return
        [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            if (found == variables.end()) return std::nullopt;
            return found->second;
        };
}

inline std::string text_of_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.good()) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Each problem as format() writes it, without "FILE:" if it is about `file`.
inline std::vector<std::string> lines_of(const LoadResult& result, const std::string& file) {
    std::vector<std::string> lines;
    for (const Problem& problem : result.problems) {
        std::string line = format(problem);
        if (line.starts_with(file + ':')) line.erase(0, file.size() + 1);
        lines.push_back(std::move(line));
    }
    return lines;
}

inline LoadResult load_text(std::string_view yaml, const Environment& environment) {
    const TempFolder folder;
    return load(folder.write("test.yaml", yaml), environment);
}

/// The loaded configuration. If there are problems, the test fails and the result is empty.
inline Config config_of(std::string_view yaml,
                        const Environment& environment = environment_of({})) {
    const LoadResult result = load_text(yaml, environment);
    for (const Problem& problem : result.problems) ADD_FAILURE() << format(problem);
    return result.config.value_or(Config{});
}

/// The smallest sections that a configuration needs. Tests add others.
inline constexpr std::string_view minimal_server = "server: {listen: [{address: '127.0.0.1:0'}]}\n";
inline constexpr std::string_view minimal_upstreams = "upstreams: {echo: {kind: echo}}\n";
inline constexpr std::string_view minimal_models = "models: {echo: {route: [{upstream: echo}]}}\n";
inline constexpr std::string_view minimal_users = "users: {alice: {}}\n";

inline std::string minimal() {
    return std::string(minimal_server) + std::string(minimal_upstreams) +
           std::string(minimal_models) + std::string(minimal_users);
}

}  // namespace sluicegate::config
