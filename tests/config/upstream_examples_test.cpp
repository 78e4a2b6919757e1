/// Every configuration in docs/upstreams.md loads.

#include "config/support.hpp"
#include "support/paths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

struct Example {
    std::string heading;
    std::string yaml;
};

/// The blocks that are marked as YAML, each with the heading above it.
std::vector<Example> examples_of(const std::string& text) {
    std::vector<Example> examples;
    std::string heading;
    bool is_inside = false;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (is_inside) {
            is_inside = line != "```";
            if (is_inside) examples.back().yaml += line + '\n';
        } else if (line.starts_with('#')) {
            heading = line.substr(line.find(' ') + 1);
        } else if (line == "```yaml") {
            is_inside = true;
            examples.push_back({heading, ""});
        }
    }
    EXPECT_FALSE(is_inside) << "a block is not closed";
    return examples;
}

std::vector<Example> shown() {
    return examples_of(text_of_file(support::source_folder() / "docs/upstreams.md"));
}

/// An environment in which every variable is set.
std::optional<std::string> value_of(const std::string& variable) {
    return "value-of-" + variable;
}

TEST(UpstreamExamples, Load) {
    for (const Example& example : shown()) {
        SCOPED_TRACE(example.heading);
        const Config config = config_of(
            std::string(minimal_server) + std::string(minimal_users) + example.yaml, value_of);
        EXPECT_FALSE(config.upstreams.empty());
        EXPECT_FALSE(config.models.empty());
        EXPECT_TRUE(config.notes.empty()) << config.notes.front();
    }
}

TEST(UpstreamExamples, AreThereForAllThatIsPromised) {
    std::vector<std::string> headings;
    for (const Example& example : shown()) headings.push_back(example.heading);
    EXPECT_THAT(headings, testing::IsSupersetOf(
                              {"OpenAI", "Azure OpenAI, v1 API", "Azure OpenAI, dated API",
                               "Gemini", "Anthropic", "OpenRouter", "Groq", "vLLM", "SGLang", "TGI",
                               "llama.cpp", "Ollama", "A Unix socket", "Through an HTTP proxy"}));
}

TEST(UpstreamExamples, UseEveryUpstreamThatTheyShow) {
    for (const Example& example : shown()) {
        SCOPED_TRACE(example.heading);
        const Config config = config_of(
            std::string(minimal_server) + std::string(minimal_users) + example.yaml, value_of);
        std::vector<bool> is_used(config.upstreams.size());
        for (const Model& model : config.models) {
            for (const RouteEntry& entry : model.route) is_used[entry.upstream] = true;
            for (const RouteEntry& entry : model.fallback) is_used[entry.upstream] = true;
        }
        EXPECT_THAT(is_used, testing::Each(true));
    }
}

}  // namespace
}  // namespace sluicegate::config
