#pragma once
/// Tells at once which clients have left while their requests are being worked on.
///
/// While a request waits for its upstream, nothing is read from its client. The kernel reports the
/// end of such a connection (EPOLLRDHUP, an error) through an epoll set of its own, which the
/// reactor watches like any socket. Bytes that a client sends ahead do not wake it. A client that
/// shuts down only its sending side counts as departed, as in nginx.
///
/// Cost     one epoll_ctl(2) for each connection that is ever watched; starting and stopping a
///          watch is a store.
/// Errors   if the kernel has no memory to watch a connection, its departure is not reported and
///          shows at the next write.
/// Threads  one: the worker's.
/// Source   docs/decisions/0011-waiting.md

#include "sluicegate/net/types.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

namespace sluicegate::net {

class Departures {
public:
    /// Watches one connection, over and over. It must outlive its connection's descriptor, which
    /// leaves the set when it is closed.
    class Watch {
    public:
        using Departed = void (*)(void* owner) noexcept;

        /// `departed(owner)` runs at most once for each start(). It may close sockets; it must not
        /// destroy watches.
        Watch(void* owner, Departed departed) noexcept : owner_(owner), departed_(departed) {}
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

        /// `descriptor` is the same in every call. A departure that was seen since the first call
        /// is told from within this one.
        void start(Departures& departures, int descriptor) noexcept;
        void stop() noexcept { is_watching_ = false; }

    private:
        friend class Departures;
        void tell() noexcept;

        void* owner_;
        Departed departed_;
        bool is_registered_ = false;
        bool is_watching_ = false;
        bool has_departed_ = false;
    };

    explicit Departures(asio::io_context& context);
    Departures(const Departures&) = delete;
    Departures& operator=(const Departures&) = delete;

    /// Tells no more, so that the context may end.
    void close() noexcept;

private:
    void await() noexcept;
    void tell_all() noexcept;

    asio::posix::basic_stream_descriptor<Executor> set_;
};

}  // namespace sluicegate::net
