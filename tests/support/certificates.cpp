#include "support/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

namespace sluicegate::support {
namespace {

void require(bool is_ok, const char* what) {
    if (!is_ok) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

template <class Write>
std::string to_pem(Write write) {
    BIO* const bio = BIO_new(BIO_s_mem());
    require(write(bio) == 1, "write PEM");
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
}

std::string pem_of(X509* x509) {
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, x509); });
}
std::string pem_of(EVP_PKEY* key) {
    return to_pem([&](BIO* bio) {
        return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

X509* x509_from(const std::string& pem) {
    BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* const x509 = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    require(x509 != nullptr, "read certificate");
    return x509;
}
EVP_PKEY* key_from(const std::string& pem) {
    BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    require(key != nullptr, "read key");
    return key;
}

void add_extension(X509* x509, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    require(extension != nullptr, value.c_str());
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
}

X509* new_x509(const std::string& common_name, EVP_PKEY* key, std::chrono::seconds from,
               std::chrono::seconds to) {
    static std::atomic<long> serial{1};
    X509* const x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x509), from.count());
    X509_gmtime_adj(X509_getm_notAfter(x509), to.count());
    X509_set_pubkey(x509, key);
    const std::vector<unsigned char> name(common_name.begin(), common_name.end());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, name.data(),
                               static_cast<int>(name.size()), -1, 0);
    return x509;
}

void trust(SSL_CTX* context, const std::string& ca) {
    X509* const x509 = x509_from(ca);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), x509);
    X509_free(x509);
}

}  // namespace

CertificateAuthority::CertificateAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256")),
      x509_(new_x509(name, key_.get(), std::chrono::hours(-48), std::chrono::hours(48))) {
    sign(x509_.get(), key_.get());
}

CertificateAuthority::CertificateAuthority(const std::string& name,
                                           const CertificateAuthority& issuer)
    : key_(EVP_EC_gen("P-256")),
      x509_(new_x509(name, key_.get(), std::chrono::hours(-48), std::chrono::hours(48))) {
    sign(issuer.x509_.get(), issuer.key_.get());
}

void CertificateAuthority::sign(X509* issuer, EVP_PKEY* issuer_key) {
    X509_set_issuer_name(x509_.get(), X509_get_subject_name(issuer));
    add_extension(x509_.get(), issuer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(x509_.get(), issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(x509_.get(), issuer, NID_subject_key_identifier, "hash");
    require(X509_sign(x509_.get(), issuer_key, EVP_sha256()) > 0, "sign CA");
    certificate_ = pem_of(x509_.get());
}

Identity CertificateAuthority::issue(const LeafOptions& options) const {
    const std::unique_ptr<EVP_PKEY, Free> key(options.is_rsa ? EVP_RSA_gen(2048)
                                                             : EVP_EC_gen("P-256"));
    const std::unique_ptr<X509, Free> leaf(
        new_x509(options.common_name, key.get(), options.valid_from, options.valid_to));
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(x509_.get()));
    add_extension(leaf.get(), x509_.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(leaf.get(), x509_.get(), NID_ext_key_usage, options.usage);
    add_extension(leaf.get(), x509_.get(), NID_authority_key_identifier, "keyid");
    std::string names;
    for (const std::string& name : options.names) names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) add_extension(leaf.get(), x509_.get(), NID_subject_alt_name, names);
    require(X509_sign(leaf.get(), key_.get(), EVP_sha256()) > 0, "sign leaf");
    return {.certificate = pem_of(leaf.get()), .private_key = pem_of(key.get())};
}

SslContext server_context(const Identity& identity, const std::string& client_ca) {
    SslContext context(SSL_CTX_new(TLS_server_method()));
    X509* const leaf = x509_from(identity.certificate);
    EVP_PKEY* const key = key_from(identity.private_key);
    const bool is_ok = SSL_CTX_use_certificate(context.get(), leaf) == 1 &&
                       SSL_CTX_use_PrivateKey(context.get(), key) == 1;
    X509_free(leaf);
    EVP_PKEY_free(key);
    require(is_ok, "use identity");
    const unsigned char id[] = "sluicegate";
    SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
    if (!client_ca.empty()) {
        trust(context.get(), client_ca);
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
    }
    return context;
}

SslContext client_context(const std::string& ca, const std::string& host) {
    SslContext context(SSL_CTX_new(TLS_client_method()));
    trust(context.get(), ca);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM* const checks = SSL_CTX_get0_param(context.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str()) != 1) {
        require(X509_VERIFY_PARAM_set1_host(checks, host.c_str(), 0) == 1, "set host");
    }
    return context;
}

}  // namespace sluicegate::support
