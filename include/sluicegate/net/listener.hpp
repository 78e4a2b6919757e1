#pragma once
/// One listening socket of one worker.
///
/// Every worker binds the same address with SO_REUSEPORT and the kernel spreads the connections.
/// The first worker may bind port 0; the others then bind the port it was given.
/// Threads  the worker's, except bind() and take() before the worker runs.

#include "sluicegate/base/result.hpp"
#include "sluicegate/net/listening_socket.hpp"
#include "sluicegate/net/types.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace sluicegate::net {

class Listener {
public:
    using Accepted = std::function<void(Socket)>;

    explicit Listener(asio::io_context& context);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Accepts from this socket.
    Result<void> take(ListeningSocket socket);
    /// The same with a new socket.
    Result<void> bind(const std::string& host, std::uint16_t port, Sharing sharing);
    [[nodiscard]] std::uint16_t port() const;
    /// `127.0.0.1:8080`, `[::1]:8080`
    [[nodiscard]] std::string address() const;

    /// Passes every accepted socket to `accepted` until close(). If no descriptors are left, a
    /// socket that one was kept for goes to `refused`, which is to end it. Without `refused` it
    /// waits and continues; connections stay in the kernel's queue meanwhile. An exception that
    /// leaves `accepted` is reported and costs that one connection.
    Task<void> run(Accepted accepted, Accepted refused = {});
    /// Connections that the kernel has accepted already go to `accepted`, unless another program
    /// listens on the same socket and takes them.
    void close(const Accepted& accepted = {}) noexcept;

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
    /// -1: none waits.
    [[nodiscard]] int accept_one() noexcept;
    [[nodiscard]] Socket socket_of(int descriptor);

    asio::io_context& context_;
    Reserve reserve_;
    bool is_inherited_ = false;
    asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor_;
};

}  // namespace sluicegate::net
