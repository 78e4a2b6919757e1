/// load() answers every text with a configuration or with problems, never both, never neither. What
/// `config show` prints of a configuration is one that means the same, secrets apart.

#include "sluicegate/config/changes.hpp"
#include "sluicegate/config/load.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

/// One file for the life of the process: load() reads files only.
const std::string& path_of_input() {
    static const std::string path = [] {
        std::string pattern = "/tmp/config-yaml-XXXXXX";
        const int file = ::mkstemp(pattern.data());
        if (file < 0) std::abort();
        ::close(file);
        static std::string kept;
        kept = pattern;
        std::atexit([] { ::unlink(kept.c_str()); });
        return pattern;
    }();
    return path;
}

void write_input(std::string_view text) {
    std::FILE* file = std::fopen(path_of_input().c_str(), "wb");
    if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size()) {
        std::abort();
    }
    std::fclose(file);
}

/// Each hidden value behind `key` becomes another one of 64 digits.
void replace_hidden(std::string& text, const std::string& key) {
    const std::string mark = key + ": \"***\"";
    int count = 0;
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; ++count) {
        std::string value = std::to_string(count);
        value.insert(0, 64 - value.size(), '0');
        text.replace(at, mark.size(), key + ": \"" + value + '"');
    }
}

void check_shown(const sluicegate::config::Config& config,
                 const sluicegate::config::Environment& environment) {
    std::string text = config.effective_text;
    replace_hidden(text, "sha256");
    replace_hidden(text, "api_key");
    write_input(text);
    const auto again = sluicegate::config::load(path_of_input(), environment);
    if (!again.config) {
        std::fprintf(stderr, "%s\n%s", format(again.problems.front()).c_str(), text.c_str());
        std::abort();
    }
    if (!restart_only_changes(config, *again.config).empty()) std::abort();
    for (const std::string& change : describe_changes(config, *again.config)) {
        const auto has = [&](const char* word) { return change.find(word) != std::string::npos; };
        if (has("sha256") || has("api_key") || has("headers.") || has("proxy")) continue;
        std::fprintf(stderr, "%s\n%s", change.c_str(), text.c_str());
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libFuzzer hands in bytes
    write_input({reinterpret_cast<const char*>(data), size});
    const auto environment = [](const std::string& name) -> std::optional<std::string> {
        if (name == "SET") return "value";
        return std::nullopt;
    };
    const auto result = sluicegate::config::load(path_of_input(), environment,
                                                 sluicegate::config::EffectiveText::always);
    if (result.config.has_value() != result.problems.empty()) std::abort();
    for (const auto& problem : result.problems) {
        if (sluicegate::config::format(problem).empty()) std::abort();
    }
    if (result.config) check_shown(*result.config, environment);
    return 0;
}
