#include "sluicegate/metrics/process.hpp"

#include "sluicegate/metrics/exposition.hpp"

#include "metrics/exposition_parser.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace sluicegate::metrics {
namespace {

double read(Registry& registry, const char* name) {
    update_process_metrics(registry);
    return std::stod(test::value_of(test::parse_exposition(expose(registry)), name));
}

TEST(ProcessMetrics, CountADescriptorThatIsOpened) {
    Registry registry;
    const double before = read(registry, "process_open_fds");
    EXPECT_GE(before, 1);
    const int descriptor = ::dup(STDOUT_FILENO);
    ASSERT_GE(descriptor, 0);
    EXPECT_EQ(read(registry, "process_open_fds"), before + 1);
    ::close(descriptor);
    EXPECT_EQ(read(registry, "process_open_fds"), before);
}

TEST(ProcessMetrics, AreThoseOfThisProcess) {
    Registry registry;
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(read(registry, "process_max_fds"), static_cast<double>(limit.rlim_cur));
    EXPECT_GT(read(registry, "process_resident_memory_bytes"), 1e6);
    EXPECT_EQ(read(registry, "sluicegate_log_lines_dropped_total"), 0);

    const double cpu = read(registry, "process_cpu_seconds_total");
    EXPECT_GT(cpu, 0);
    EXPECT_GT(read(registry, "process_cpu_seconds_total"), cpu) << "the scrape itself takes time";

    // The kernel counts the start in ticks from a boot time that it rounds to a second.
    const auto now = static_cast<double>(std::time(nullptr));
    const double start = read(registry, "process_start_time_seconds");
    EXPECT_LE(start, now + 2);
    EXPECT_GE(start, now - 3600);
}

}  // namespace
}  // namespace sluicegate::metrics
