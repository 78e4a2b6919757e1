#pragma once
/// The names that the coroutines of this project take from Asio.
///
/// Each worker thread runs one io_context; tasks stay on the thread that started them.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <tuple>

namespace sluicegate::net {

namespace asio = boost::asio;

using ErrorCode = boost::system::error_code;
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;

/// I/O reports its errors, it does not throw them.
inline constexpr auto use_result = asio::as_tuple(asio::use_awaitable_t<Executor>());

/// TCP or a Unix socket; the code above treats both in the same way.
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// An error code, and the bytes that were transferred before the error.
using Transfer = std::tuple<ErrorCode, std::size_t>;

}  // namespace sluicegate::net
