#include "sluicegate/metrics/process.hpp"

#include "sluicegate/base/log.hpp"

#include <charconv>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace sluicegate::metrics {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::string text_of(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The word at `index` of `text`, as a number.
std::optional<std::int64_t> number_at(std::string_view text, std::size_t index) {
    for (; index > 0; --index) {
        const std::size_t space = text.find(' ');
        if (space == std::string_view::npos) return std::nullopt;
        text.remove_prefix(space + 1);
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    return number;
}

std::optional<std::int64_t> cpu_nanoseconds() {
    timespec used{};
    if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return std::nullopt;
    return used.tv_sec * second + used.tv_nsec;
}

std::optional<std::int64_t> resident_bytes() {
    const auto pages = number_at(text_of("/proc/self/statm"), 1);
    if (!pages) return std::nullopt;
    return *pages * ::sysconf(_SC_PAGESIZE);
}

/// The open folder itself is one of the entries and is subtracted.
std::optional<std::int64_t> open_descriptors() {
    std::error_code error;
    std::filesystem::directory_iterator entry("/proc/self/fd", error);
    std::int64_t count = 0;
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        ++count;
    }
    if (error) return std::nullopt;
    return count - 1;
}

std::optional<std::int64_t> descriptors_max() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
    return static_cast<std::int64_t>(limit.rlim_cur);
}

/// proc(5): starttime is field 22 of stat, in clock ticks after boot. The program's name in field 2
/// may hold spaces, so counting starts at field 3, after its bracket.
std::optional<std::int64_t> start_nanoseconds() {
    const std::string stat = text_of("/proc/self/stat");
    const std::size_t bracket = stat.rfind(')');
    if (bracket == std::string::npos) return std::nullopt;
    const auto ticks = number_at(std::string_view(stat).substr(bracket + 1), 20);
    const std::string system = text_of("/proc/stat");
    const std::size_t boot = system.find("\nbtime ");
    if (!ticks || boot == std::string::npos) return std::nullopt;
    const auto boot_seconds = number_at(std::string_view(system).substr(boot), 1);
    if (!boot_seconds) return std::nullopt;
    return *boot_seconds * second + *ticks * (second / ::sysconf(_SC_CLK_TCK));
}

void set_if_known(Registry& registry, Metric metric, std::optional<std::int64_t> value) {
    if (value) registry.set(metric, *value);
}

}  // namespace

void update_process_metrics(Registry& registry) {
    registry.set(Metric::log_lines_dropped_total, log::dropped_count());
    set_if_known(registry, Metric::process_cpu_seconds_total, cpu_nanoseconds());
    set_if_known(registry, Metric::process_resident_memory_bytes, resident_bytes());
    set_if_known(registry, Metric::process_open_fds, open_descriptors());
    set_if_known(registry, Metric::process_max_fds, descriptors_max());
    set_if_known(registry, Metric::process_start_time_seconds, start_nanoseconds());
}

}  // namespace sluicegate::metrics
