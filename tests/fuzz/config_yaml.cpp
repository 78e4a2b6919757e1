/// load() answers every text with a configuration or with problems, never both, never neither.

#include "sluicegate/config/load.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::FILE* file = std::fopen(path_of_input().c_str(), "wb");
    if (file == nullptr || std::fwrite(data, 1, size, file) != size) std::abort();
    std::fclose(file);
    const auto environment = [](const std::string& name) -> std::optional<std::string> {
        if (name == "SET") return "value";
        return std::nullopt;
    };
    const auto result = sluicegate::config::load(path_of_input(), environment);
    if (result.config.has_value() != result.problems.empty()) std::abort();
    for (const auto& problem : result.problems) {
        if (sluicegate::config::format(problem).empty()) std::abort();
    }
    return 0;
}
