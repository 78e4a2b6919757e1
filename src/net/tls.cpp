#include "sluicegate/net/tls.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>

namespace sluicegate::net {
namespace {

using boost::asio::ssl::context;

/// For TLS 1.2: forward secrecy and authenticated encryption. Without CBC there is no padding whose
/// check could tell anything by its time.
constexpr const char* tls12_ciphers =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";

/// The last OpenSSL error in words; clears the queue.
std::string openssl_reason() {
    std::string reason = "unknown reason";
    while (const unsigned long code = ERR_get_error()) {
        if (const char* text = ERR_reason_error_string(code)) reason = text;
    }
    return reason;
}

Failure refused(const std::string& what, const std::string& file) {
    return fail(ErrorKind::internal, what + " " + file + ": " + openssl_reason());
}

/// The index under which an SSL object holds the SessionCache of its connection.
int session_cache_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

int keep_new_session(SSL* handle, SSL_SESSION* session) {
    auto* cache = static_cast<SessionCache*>(SSL_get_ex_data(handle, session_cache_index()));
    if (cache == nullptr) return 0;
    cache->store(Session(session));
    return 1;
}

/// SSL_set_tlsext_host_name is a macro with a cast that -Wold-style-cast refuses.
long set_server_name_indication(SSL* handle, std::string name) {
    return SSL_ctrl(handle, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
}

Result<void> load_certificate(SSL_CTX* native, const std::string& certificate_file,
                              const std::string& private_key_file) {
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(native, certificate_file.c_str()) != 1) {
        return refused("cannot use the certificate chain", certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(native, private_key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return refused("cannot use the private key", private_key_file);
    }
    if (SSL_CTX_check_private_key(native) != 1) {
        return refused("the certificate does not fit the private key", private_key_file);
    }
    return {};
}

/// Refuses, so that OpenSSL does not ask on the terminal.
int refuse_pass_phrase(char* /*into*/, int /*size*/, int /*is_writing*/, void* /*data*/) {
    return -1;
}

/// What holds for servers and clients.
Result<void> prepare(SSL_CTX* native) {
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_default_passwd_cb(native, refuse_pass_phrase);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    // Clients send keys, and upstreams may repeat theirs.
    SSL_CTX_set_options(native, SSL_OP_CLEANSE_PLAINTEXT);
    if (SSL_CTX_set_cipher_list(native, tls12_ciphers) != 1) {
        return refused("cannot use the ciphers", tls12_ciphers);
    }
    return {};
}

/// Demands a certificate of the clients.
Result<void> verify_clients(SSL_CTX* native, const std::string& ca_file) {
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(native, ca_file.c_str()) != 1) {
        return refused("cannot read certificate authorities from", ca_file);
    }
    // What the file names is trusted, and no more: an authority below another one is enough.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(native), X509_V_FLAG_PARTIAL_CHAIN);
    // Sent to the client, which may have certificates of several authorities.
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(ca_file.c_str());
    if (names == nullptr) return refused("cannot read certificate authorities from", ca_file);
    SSL_CTX_set_client_CA_list(native, names);
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(native, 0);
    return {};
}

Result<void> set_session_scope(SSL_CTX* native, const std::string& scope) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(scope.data()), scope.size(), digest.data());
    if (SSL_CTX_set_session_id_context(native, digest.data(), digest.size()) != 1) {
        return refused("cannot set", "the scope of sessions");
    }
    return {};
}

struct FreeNames {
    void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

}  // namespace

Result<TlsContext> make_server_tls(const ServerTlsOptions& options) {
    auto made = std::make_shared<context>(context::tls_server);
    SSL_CTX* native = made->native_handle();
    if (auto prepared = prepare(native); !prepared) return std::move(prepared).failure();
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // The client keeps sessions as tickets, so no table grows here.
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    auto loaded = load_certificate(native, options.certificate_file, options.private_key_file);
    if (!loaded) return std::move(loaded).failure();
    auto scoped = set_session_scope(native, options.session_scope);
    if (!scoped) return std::move(scoped).failure();
    if (options.ticket_keys) use_ticket_keys(native, options.ticket_keys);
    if (!options.client_ca_file.empty()) {
        auto verifying = verify_clients(native, options.client_ca_file);
        if (!verifying) return std::move(verifying).failure();
    }
    return made;
}

bool has_subject_alternative_name(const TlsContext& server) {
    const X509* leaf = SSL_CTX_get0_certificate(server->native_handle());
    if (leaf == nullptr) return false;
    const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const int kind = sk_GENERAL_NAME_value(names.get(), i)->type;
        if (kind == GEN_DNS || kind == GEN_IPADD) return true;
    }
    return false;
}

Result<TlsContext> make_client_tls(const ClientTlsOptions& options) {
    auto made = std::make_shared<context>(context::tls_client);
    SSL_CTX* native = made->native_handle();
    if (auto prepared = prepare(native); !prepared) return std::move(prepared).failure();
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(native, keep_new_session);
    ERR_clear_error();
    if (options.ca_file.empty()) {
        if (SSL_CTX_set_default_verify_paths(native) != 1) {
            return refused("cannot read", "the system's certificate authorities");
        }
    } else if (SSL_CTX_load_verify_locations(native, options.ca_file.c_str(), nullptr) != 1) {
        return refused("cannot read certificate authorities from", options.ca_file);
    }
    if (!options.client_certificate_file.empty()) {
        auto loaded =
            load_certificate(native, options.client_certificate_file, options.client_key_file);
        if (!loaded) return std::move(loaded).failure();
    }
    return made;
}

void SessionDeleter::operator()(ssl_session_st* session) const noexcept {
    SSL_SESSION_free(session);
}

SessionCache::SessionCache(const Clock& clock) : clock_(clock) {
    kept_.reserve(sessions_max);
}

SessionCache::~SessionCache() = default;

void SessionCache::store(Session session) noexcept {
    Milliseconds lifetime = age_max;
    // 0: the server set no lifetime.
    const std::chrono::seconds hint(SSL_SESSION_get_ticket_lifetime_hint(session.get()));
    if (hint.count() > 0 && hint < lifetime) lifetime = hint;
    if (kept_.size() == sessions_max) kept_.erase(kept_.begin());
    kept_.push_back({.session = std::move(session), .usable_until = clock_.now() + lifetime});
}

Session SessionCache::take() noexcept {
    const Instant now = clock_.now();
    std::erase_if(kept_, [now](const Kept& kept) { return kept.usable_until <= now; });
    if (kept_.empty()) return nullptr;
    if (SSL_SESSION_get_protocol_version(kept_.back().session.get()) < TLS1_3_VERSION) {
        SSL_SESSION* shared = kept_.back().session.get();
        SSL_SESSION_up_ref(shared);
        return Session(shared);
    }
    Session newest = std::move(kept_.back().session);
    kept_.pop_back();
    return newest;
}

bool lacks_client_certificate(const ErrorCode& error) noexcept {
    if (error.category() != boost::asio::error::get_ssl_category()) return false;
    switch (ERR_GET_REASON(static_cast<unsigned>(error.value()))) {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
        case SSL_R_BAD_SIGNATURE:
            return true;  // the last: the key of its certificate is not its own
        default: return false;
    }
}

Result<void> prepare_client_handshake(ssl_st* handle, const std::string& server_name,
                                      SessionCache& sessions) {
    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(server_name, not_an_address);
    X509_VERIFY_PARAM* expected = SSL_get0_param(handle);
    X509_VERIFY_PARAM_set_hostflags(
        expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (not_an_address) {
        if (SSL_set1_host(handle, server_name.c_str()) != 1 ||
            set_server_name_indication(handle, server_name) != 1) {
            return refused("cannot ask for the server name", server_name);
        }
    } else if (X509_VERIFY_PARAM_set1_ip_asc(expected, server_name.c_str()) != 1) {
        return refused("cannot ask for the server address", server_name);
    }
    SSL_set_ex_data(handle, session_cache_index(), &sessions);
    if (const Session session = sessions.take()) SSL_set_session(handle, session.get());
    return {};
}

std::string verification_error(ssl_st* handle) {
    const long result = SSL_get_verify_result(handle);
    return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

bool session_was_resumed(ssl_st* handle) noexcept {
    return SSL_session_reused(handle) == 1;
}

}  // namespace sluicegate::net
