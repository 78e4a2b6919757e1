#include "sluicegate/net/spawn.hpp"

#include "sluicegate/base/log.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>

namespace sluicegate::net {
namespace {

std::atomic<std::uint64_t> escaped{0};

void log_failure(const std::exception_ptr& error, std::string_view task) {
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

}  // namespace

void report_escaped_exception(std::exception_ptr error, std::string_view task) noexcept {
    escaped.fetch_add(1, std::memory_order_relaxed);
    try {
        log_failure(error, task);
    } catch (...) {
        // Without memory for a line there is still the count.
    }
}

void end_process(std::exception_ptr error, std::string_view task) noexcept {
    report_escaped_exception(std::move(error), task);
    try {
        log::error("process_failed",
                   "the process ends, because it cannot serve without this task: start it again",
                   {{"task", task}, {"status", vital_task_status}});
        log::flush(std::chrono::seconds(1));
    } catch (...) {
        // What matters is the end.
    }
    std::_Exit(vital_task_status);
}

std::uint64_t escaped_exceptions() noexcept {
    return escaped.load(std::memory_order_relaxed);
}

}  // namespace sluicegate::net
