#pragma once
/// A TLS client whose records the test holds in its hand, and sends byte by byte if it likes.

#include "net/raw_peer.hpp"

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sluicegate::test {

/// Verifies nothing. Step by step like RawPeer: nothing here waits.
class TlsPeer {
public:
    explicit TlsPeer(RawPeer peer)
        : peer_(std::move(peer)),
          context_(SSL_CTX_new(TLS_client_method())),
          tls_(SSL_new(context_.get())) {
        SSL_set_bio(tls_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(tls_.get());
    }

    /// Goes on with the handshake as far as what has arrived allows; true when it is done.
    bool shake_hands() {
        take_in();
        const bool is_done = SSL_do_handshake(tls_.get()) == 1;
        peer_.send(records());
        return is_done;
    }
    /// The record that carries `text`, not sent yet.
    std::string record_of(std::string_view text) {
        SSL_write(tls_.get(), text.data(), static_cast<int>(text.size()));
        return records();
    }
    /// What has arrived since the last call, in plain.
    std::string received() {
        take_in();
        std::string text;
        std::array<char, 4096> some;
        for (;;) {
            const int got = SSL_read(tls_.get(), some.data(), some.size());
            if (got <= 0) return text;
            text.append(some.data(), static_cast<std::size_t>(got));
        }
    }
    [[nodiscard]] RawPeer& raw() noexcept { return peer_; }

private:
    struct Free {
        void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
        void operator()(SSL* tls) const noexcept { SSL_free(tls); }
    };
    void take_in() {
        const std::string bytes = peer_.received();
        BIO_write(SSL_get_rbio(tls_.get()), bytes.data(), static_cast<int>(bytes.size()));
    }
    std::string records() {
        std::string bytes(static_cast<std::size_t>(BIO_pending(SSL_get_wbio(tls_.get()))), '\0');
        BIO_read(SSL_get_wbio(tls_.get()), bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    }

    RawPeer peer_;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> tls_;
};

}  // namespace sluicegate::test
