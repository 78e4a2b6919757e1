#pragma once
/// Starts tasks that nothing awaits, and runs the turns of loops that must go on.
///
/// An exception that escapes is a defect, or a shortage of memory. It is always logged and counted.
/// What happens next depends on what it has ended:
///   a task of spawn()       that task alone: one connection, one check
///   a turn of guarded()     that turn; the loop around it goes on
///   a task of spawn_vital() the process, with status 70: without this task it would only look
///                           healthy, and its supervisor can start a new one

#include "sluicegate/net/types.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cstdint>
#include <exception>
#include <string_view>
#include <utility>

namespace sluicegate::net {

/// EX_SOFTWARE of sysexits.h: the status of a process that a vital task has ended.
inline constexpr int vital_task_status = 70;

/// `task` names what failed, for the log.
void report_escaped_exception(std::exception_ptr error, std::string_view task) noexcept;
/// Reports it, writes out what is logged and ends the process.
[[noreturn]] void end_process(std::exception_ptr error, std::string_view task) noexcept;
/// How many escaped since the process started; 0 in a healthy one.
[[nodiscard]] std::uint64_t escaped_exceptions() noexcept;

/// Runs one turn of a loop. `task` names the turn, for the log.
template <class Turn>
void guarded(std::string_view task, Turn&& turn) noexcept {
    try {
        std::forward<Turn>(turn)();
    } catch (...) {
        report_escaped_exception(std::current_exception(), task);
    }
}

/// `name` must be a literal.
template <class T>
void spawn(asio::io_context& context, Task<T> task, std::string_view name) {
    asio::co_spawn(context.get_executor(), std::move(task), [name](std::exception_ptr error) {
        if (error) report_escaped_exception(std::move(error), name);
    });
}

/// The same for a task that the process cannot do without.
template <class T>
void spawn_vital(asio::io_context& context, Task<T> task, std::string_view name) {
    asio::co_spawn(context.get_executor(), std::move(task), [name](std::exception_ptr error) {
        if (error) end_process(std::move(error), name);
    });
}

}  // namespace sluicegate::net
