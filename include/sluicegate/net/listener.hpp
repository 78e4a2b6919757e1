#pragma once
/// One listening socket of one worker.
///
/// Every worker binds the same address with SO_REUSEPORT and the kernel spreads the connections.
/// The first worker may bind port 0; the others then bind the port it was given.
/// Threads  the worker's, except bind(), which any thread may call before the worker runs.

#include "sluicegate/base/result.hpp"
#include "sluicegate/net/types.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace sluicegate::net {

/// With SO_REUSEPORT a second daemon of the same user could silently take a share of a port. So the
/// first socket of a process checks that no other process listens there.
enum class Sharing : std::uint8_t { first, further };

class Listener {
public:
    using Accepted = std::function<void(Socket)>;

    explicit Listener(asio::io_context& context);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// `host` is an IP address. Errors name the address and a remedy.
    Result<void> bind(const std::string& host, std::uint16_t port, Sharing sharing);
    [[nodiscard]] std::uint16_t port() const;
    /// `127.0.0.1:8080`, `[::1]:8080`
    [[nodiscard]] std::string address() const;

    /// Passes every accepted socket to `accepted` until close(). If no descriptors are left, a
    /// socket that one was kept for goes to `refused`, which is to end it. Without `refused` it
    /// waits and continues; connections stay in the kernel's queue meanwhile. An exception that
    /// leaves `accepted` is reported and costs that one connection.
    Task<void> run(Accepted accepted, Accepted refused = {});
    void close() noexcept;

private:
    /// A descriptor for the time when no other is left.
    class Reserve {
    public:
        Reserve() = default;
        Reserve(const Reserve&) = delete;
        Reserve& operator=(const Reserve&) = delete;
        ~Reserve() { give(); }
        void take() noexcept;
        void give() noexcept;

    private:
        int descriptor_ = -1;
    };

    /// False where no connection waits, or another thread has taken what was kept.
    bool refuse_one(const Accepted& refused);

    asio::io_context& context_;
    Reserve reserve_;
    asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor_;
};

}  // namespace sluicegate::net
