#pragma once
/// Starts a task that no other task awaits. An exception that escapes it is logged and counted,
/// never lost and never fatal.

#include "sluicegate/net/types.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cstdint>
#include <exception>
#include <string_view>
#include <utility>

namespace sluicegate::net {

/// `task` names what failed, for the log.
void report_escaped_exception(std::exception_ptr error, std::string_view task) noexcept;
/// How many escaped since the process started; 0 in a healthy one.
[[nodiscard]] std::uint64_t escaped_exceptions() noexcept;

/// `name` must be a literal.
template <class T>
void spawn(asio::io_context& context, Task<T> task, std::string_view name) {
    asio::co_spawn(context.get_executor(), std::move(task), [name](std::exception_ptr error) {
        if (error) report_escaped_exception(std::move(error), name);
    });
}

}  // namespace sluicegate::net
