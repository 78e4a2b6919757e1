#pragma once
/// TLS contexts: what a listener shows to its clients, what an upstream must show to us.
///
/// Threads  a context is built once and then shared read-only by all workers (OpenSSL counts
///          references with atomics); SessionCache is one worker's own.
/// Source   TLS 1.2 or newer; names are checked as in RFC 6125 (DNS and IP subject alternative
///          names, no partial wildcards).

#include "sluicegate/base/result.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

struct ssl_session_st;
struct ssl_st;

namespace sluicegate::net {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

/// Errors name the file that could not be read, or the key that does not fit the certificate.
[[nodiscard]] Result<TlsContext> make_server_tls(const std::string& certificate_file,
                                                 const std::string& private_key_file);

struct ClientTlsOptions {
    std::string ca_file;  ///< empty: the system's list
    std::string client_certificate_file;
    std::string client_key_file;
};
[[nodiscard]] Result<TlsContext> make_client_tls(const ClientTlsOptions& options);

/// Keeps the newest session of one upstream, so that the next handshake is short.
/// Must outlive the connections that were prepared with it.
class SessionCache {
public:
    SessionCache() = default;
    SessionCache(const SessionCache&) = delete;
    SessionCache& operator=(const SessionCache&) = delete;
    ~SessionCache();

    void store(ssl_session_st* session) noexcept;  ///< takes the reference over
    [[nodiscard]] ssl_session_st* newest() const noexcept { return newest_; }

private:
    ssl_session_st* newest_ = nullptr;
};

/// Before a client handshake: demand `server_name` (a DNS name, sent as SNI, or an IP address) of
/// the certificate, and offer the newest session.
[[nodiscard]] Result<void> prepare_client_handshake(ssl_st* handle, const std::string& server_name,
                                                    SessionCache& sessions);
/// Why the peer's certificate was refused; empty when it was not.
[[nodiscard]] std::string verification_error(ssl_st* handle);
[[nodiscard]] bool session_was_resumed(ssl_st* handle) noexcept;

}  // namespace sluicegate::net
