// A crash leaves no core file, because the keys of clients and providers would be in it.
#include "behaviour/harness.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

/// The core files that a daemon leaves when it is aborted.
std::ptrdiff_t cores_of_a_crash(const std::vector<std::string>& arguments) {
    const TemporaryFolder folder;
    const FakeUpstream upstream;
    const ConfigText config(upstream.base_url());
    // The sanitizers would leave none in any case.
    // The sanitizers would leave none in any case.
    Daemon daemon(config.text(), {.environment = {{"ASAN_OPTIONS", "disable_coredump=0"},
                                                  {"TSAN_OPTIONS", "disable_coredump=0"}},
                                  .arguments = arguments,
                                  .core_folder = folder.path().string()});
    daemon.signal(SIGABRT);
    EXPECT_TRUE(daemon.wait_for_exit());
    return std::distance(std::filesystem::directory_iterator(folder.path()), {});
}

TEST(CoreDumps, NoneIsLeftEvenIfTheSystemAllowsIt) {
    EXPECT_EQ(cores_of_a_crash({}), 0);
}

TEST(CoreDumps, AreLeftWhereTheOperatorAsksForThem) {
    std::ifstream file("/proc/sys/kernel/core_pattern");
    std::string pattern;
    std::getline(file, pattern);
    const bool go_elsewhere = pattern.find_first_of("|/") != std::string::npos;
    EXPECT_EQ(cores_of_a_crash({"--core-dumps"}), go_elsewhere ? 0 : 1) << pattern;
}

}  // namespace
}  // namespace sluicegate::support
