#include "sluicegate/net/spawn.hpp"

#include "sluicegate/base/log.hpp"

#include <atomic>

namespace sluicegate::net {
namespace {

std::atomic<std::uint64_t> escaped{0};

}  // namespace

void report_escaped_exception(std::exception_ptr error, std::string_view task) noexcept {
    escaped.fetch_add(1, std::memory_order_relaxed);
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& exception) {
        log::error("task_failed",
                   "a task ended with an exception: this is a defect, please report it",
                   {{"task", task}, {"what", exception.what()}});
    } catch (...) {
        log::error("task_failed", "a task ended with an unknown exception: this is a defect",
                   {{"task", task}});
    }
}

std::uint64_t escaped_exceptions() noexcept {
    return escaped.load(std::memory_order_relaxed);
}

}  // namespace sluicegate::net
