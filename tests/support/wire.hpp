#pragma once
/// One TCP connection of a test, plain or with TLS. It can be ended in every way that a peer may
/// see.
///
/// Waiting    every call that may block takes a deadline.
/// Threads    one at a time, except peer_has_closed().
/// Errors     refused, cut and late are results; misuse throws.

#include "support/deadline.hpp"

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluicegate::support {

enum class ReadEnd { data, eof, reset, timeout };

struct ReadResult {
    ReadEnd end = ReadEnd::timeout;
    std::string bytes;  ///< not empty exactly when end is data
};

struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslFree>;

class Wire {
public:
    Wire() = default;
    /// Takes over an accepted descriptor.
    explicit Wire(int descriptor);
    /// Connects to 127.0.0.1; throws when refused. `receive_buffer` 0 leaves the kernel's default.
    static Wire connect(std::uint16_t port, Deadline deadline = Deadline(), int receive_buffer = 0);
    Wire(Wire&& other) noexcept;
    Wire& operator=(Wire&& other) noexcept;
    ~Wire();

    /// Handshakes; false when either side refused. `server_name` "" sends no SNI; a `session` of an
    /// earlier connection is offered for resumption.
    [[nodiscard]] bool start_tls_client(SSL_CTX* context, const std::string& server_name,
                                        Deadline deadline = Deadline(),
                                        SSL_SESSION* session = nullptr);
    [[nodiscard]] bool start_tls_server(SSL_CTX* context, Deadline deadline = Deadline());

    ReadResult read_some(Deadline deadline = Deadline());
    /// Returns how many bytes were taken over; fewer than all when the peer left or the deadline
    /// passed.
    std::size_t write_all(std::string_view bytes, Deadline deadline = Deadline());

    /// True once the peer sent FIN or RST, whether or not its last bytes were read.
    [[nodiscard]] bool peer_has_closed() const;
    /// No more bytes from us (close_notify and FIN); reading goes on.
    void half_close();
    /// Ends TLS with its close_notify, then FIN.
    void close();
    /// FIN without close_notify: what a crash of the peer's process looks like under TLS.
    void cut();
    /// RST.
    void reset();

    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
    [[nodiscard]] SSL* ssl() const { return ssl_.get(); }

private:
    [[nodiscard]] bool wait(short events, Deadline deadline) const;
    [[nodiscard]] bool handshake(int (*step)(SSL*), Deadline deadline);

    int descriptor_ = -1;
    std::unique_ptr<SSL, SslFree> ssl_;
};

/// A listening socket on 127.0.0.1 with a port that the kernel chose.
///
/// Threads    one accepts; the others may call the rest meanwhile.
class ListeningSocket {
public:
    explicit ListeningSocket(int backlog = 512);
    ~ListeningSocket();
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// The next connection; not open when none came.
    Wire accept(Deadline deadline);
    /// Connections are refused, and those that wait are reset; the port is kept.
    void stop_listening();
    void listen_again();

private:
    int descriptor_;
    int backlog_;
    std::atomic<bool> is_listening_{true};
    std::uint16_t port_ = 0;
};

}  // namespace sluicegate::support
