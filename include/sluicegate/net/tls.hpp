#pragma once
/// TLS contexts: the certificate of a listener, and the verification of clients and upstreams.
///
/// Ciphers  TLS 1.3 as OpenSSL has it; TLS 1.2 only with ECDHE and AEAD (RFC 9325, 4.2).
/// Threads  a context is built once, and all workers share it read-only (OpenSSL counts references
///          with atomics). Each SessionCache belongs to one worker.
/// Source   TLS 1.2 or newer; names are checked as in RFC 6125 (DNS and IP subject alternative
///          names, no partial wildcards). A common name is never looked at (RFC 9525, 2).

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/net/ticket_keys.hpp"
#include "sluicegate/net/types.hpp"

#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

struct ssl_session_st;
struct ssl_st;

namespace sluicegate::net {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

struct ServerTlsOptions {
    std::string certificate_file{};
    std::string private_key_file{};
    /// Only clients with a certificate of these authorities get through the handshake. Their
    /// sessions are never resumed, because a resumption would not look at the certificate again:
    /// it may have expired, or its authority may have been removed. Empty: no client is asked.
    std::string client_ca_file{};
    /// A session that began at a server of one scope is not resumed at those of another.
    std::string session_scope{};
    /// Null: keys of its own, for the life of the context.
    std::shared_ptr<const TicketKeys> ticket_keys{};
};
/// Errors name the file that could not be read, or the key that does not match the certificate.
[[nodiscard]] Result<TlsContext> make_server_tls(const ServerTlsOptions& options);
/// True if the certificate of a server has a DNS name or an IP address that clients can verify.
[[nodiscard]] bool has_subject_alternative_name(const TlsContext& server);

struct ClientTlsOptions {
    std::string ca_file{};  ///< empty: the system's list
    std::string client_certificate_file{};
    std::string client_key_file{};
};
[[nodiscard]] Result<TlsContext> make_client_tls(const ClientTlsOptions& options);

struct SessionDeleter {
    void operator()(ssl_session_st* session) const noexcept;
};
using Session = std::unique_ptr<ssl_session_st, SessionDeleter>;

/// Keeps the newest sessions of one endpoint, so that the next handshakes are short.
///
/// A TLS 1.3 ticket is used once (RFC 8446, C.4). Several are kept, because connections are opened
/// in parallel. A TLS 1.2 session serves any number of connections.
/// Bounds  `sessions_max` sessions, none older than `age_max` or than its server allows. Must
///         outlive the connections that were prepared with it.
class SessionCache {
public:
    static constexpr std::size_t sessions_max = 8;
    static constexpr Milliseconds age_max = std::chrono::hours(1);

    explicit SessionCache(const Clock& clock);
    SessionCache(const SessionCache&) = delete;
    SessionCache& operator=(const SessionCache&) = delete;
    ~SessionCache();

    void store(Session session) noexcept;
    /// The newest for the next handshake, or null.
    [[nodiscard]] Session take() noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return kept_.size(); }

private:
    struct Kept {
        Session session;
        Instant usable_until;
    };
    const Clock& clock_;
    std::vector<Kept> kept_;  ///< the newest last; never grows beyond what was reserved
};

/// The handshake of a server has failed because the client has shown no certificate, or none that
/// is valid.
[[nodiscard]] bool lacks_client_certificate(const ErrorCode& error) noexcept;

/// Before a client handshake: demand `server_name` (a DNS name, sent as SNI, or an IP address) of
/// the certificate, and offer the newest session, which leaves the cache.
[[nodiscard]] Result<void> prepare_client_handshake(ssl_st* handle, const std::string& server_name,
                                                    SessionCache& sessions);
/// Why the peer's certificate was refused; empty when it was not.
[[nodiscard]] std::string verification_error(ssl_st* handle);
[[nodiscard]] bool session_was_resumed(ssl_st* handle) noexcept;

}  // namespace sluicegate::net
