#include "sluicegate/net/handshake_failure.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string_view>

namespace sluicegate::net {
namespace {

/// OpenSSL has taken the first five bytes of what is no TLS; the others still lie in its input.
bool has_http_in_input(Stream& stream) {
    std::array<char, 4096> rest;
    const int size = BIO_read(SSL_get_rbio(stream.tls_handle()), rest.data(), rest.size());
    if (size <= 0) return false;
    const std::string_view text(rest.data(), static_cast<std::size_t>(size));
    return text.substr(0, text.find('\n')).find(" HTTP/") != std::string_view::npos;
}

HandshakeFailure failure_of_reason(int reason, Stream& stream) {
    switch (reason) {
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST: return HandshakeFailure::plain_http;
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_BAD_PACKET_LENGTH:
        case SSL_R_UNEXPECTED_MESSAGE:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
            return has_http_in_input(stream) ? HandshakeFailure::plain_http
                                             : HandshakeFailure::not_tls;
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: return HandshakeFailure::version;
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: return HandshakeFailure::certificate;
        default: return HandshakeFailure::other;
    }
}

}  // namespace

HandshakeFailure handshake_failure_of(const Transferred& handshake, Stream& stream) {
    if (handshake.ended == Ended::timed_out) return HandshakeFailure::timeout;
    const ErrorCode& error = handshake.error;
    if (error.category() == asio::error::get_ssl_category()) {
        return failure_of_reason(ERR_GET_REASON(static_cast<unsigned long>(error.value())), stream);
    }
    const bool is_closed =
        handshake.ended == Ended::closed || error == asio::ssl::error::stream_truncated ||
        error == asio::error::connection_reset || error == asio::error::broken_pipe;
    return is_closed ? HandshakeFailure::closed : HandshakeFailure::other;
}

}  // namespace sluicegate::net
