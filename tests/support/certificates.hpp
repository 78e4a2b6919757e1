#pragma once
/// Certificates that live as long as a test: good ones, and each kind that must be refused.

#include "support/wire.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::support {

/// A certificate and its key, as the PEM text of two files.
struct Identity {
    std::string certificate;
    std::string private_key;
};

struct LeafOptions {
    /// Entries of subjectAltName, as OpenSSL spells them; none: the certificate has no such field.
    std::vector<std::string> names{"DNS:localhost", "IP:127.0.0.1"};
    std::string usage = "serverAuth";
    std::chrono::seconds valid_from = std::chrono::hours(-24);  ///< from now
    std::chrono::seconds valid_to = std::chrono::hours(24);
    std::string common_name = "leaf";
    bool is_rsa = false;  ///< else the key is of P-256
};

class CertificateAuthority {
public:
    explicit CertificateAuthority(const std::string& name = "sluicegate test CA");

    /// An authority below another one.
    CertificateAuthority(const std::string& name, const CertificateAuthority& issuer);
    [[nodiscard]] const std::string& certificate() const { return certificate_; }
    [[nodiscard]] Identity issue(const LeafOptions& options = {}) const;

private:
    struct Free {
        void operator()(X509* x) const { X509_free(x); }
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    };
    void sign(X509* issuer, EVP_PKEY* issuer_key);

    std::unique_ptr<EVP_PKEY, Free> key_;
    std::unique_ptr<X509, Free> x509_;
    std::string certificate_;
};

/// A server's context; with `client_ca` (PEM) it demands a certificate of that authority.
SslContext server_context(const Identity& identity, const std::string& client_ca = {});
/// A client's context that trusts `ca` (PEM) alone and checks the chain and `host`.
SslContext client_context(const std::string& ca, const std::string& host);

}  // namespace sluicegate::support
