#pragma once
/// A socket that listens, before a Listener accepts from it.
///
/// Ownership  movable, one owner; destruction closes it.
/// Threads    any one at a time: it belongs to no io_context.

#include "sluicegate/base/result.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace sluicegate::net {

/// With SO_REUSEPORT a second daemon of the same user could silently take a share of a port. So the
/// first socket of a process checks that no other process listens there.
enum class Sharing : std::uint8_t { first, further };

class ListeningSocket {
public:
    /// `host` is an IP address. Errors name the address and a remedy.
    static Result<ListeningSocket> open(const std::string& host, std::uint16_t port,
                                        Sharing sharing);
    /// Takes over a TCP socket that another program has made and listens on too: what waits in its
    /// queue is not lost when this one is closed.
    static Result<ListeningSocket> inherit(int descriptor);

    ListeningSocket(ListeningSocket&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), is_inherited_(other.is_inherited_) {}
    ListeningSocket& operator=(ListeningSocket&& other) noexcept;
    ~ListeningSocket() { close(); }

    /// The same socket once more, for another worker.
    [[nodiscard]] Result<ListeningSocket> duplicate() const;
    /// True if a connection to that address may come to this socket.
    [[nodiscard]] bool serves(const std::string& host, std::uint16_t port) const;

    [[nodiscard]] std::uint16_t port() const;
    /// `127.0.0.1:8080`, `[::1]:8080`
    [[nodiscard]] std::string address() const;
    [[nodiscard]] bool is_v6() const;
    [[nodiscard]] bool is_inherited() const noexcept { return is_inherited_; }
    /// Gives the descriptor away.
    [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

private:
    ListeningSocket(int descriptor, bool is_inherited) noexcept
        : descriptor_(descriptor), is_inherited_(is_inherited) {}
    void close() noexcept;

    int descriptor_;
    bool is_inherited_;
};

}  // namespace sluicegate::net
