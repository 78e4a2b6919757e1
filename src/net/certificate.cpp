#include "sluicegate/net/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>
#include <memory>

namespace sluicegate::net {
namespace {

struct FreeBio {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

std::string text_of_subject(const X509* certificate) {
    const std::unique_ptr<BIO, FreeBio> bio(BIO_new(BIO_s_mem()));
    if (!bio) return "";
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    std::array<char, 512> text{};
    const int size = BIO_read(bio.get(), text.data(), static_cast<int>(text.size()));
    return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

std::optional<Certificate> certificate_of(const TlsContext& server) {
    if (!server) return std::nullopt;
    const X509* const leaf = SSL_CTX_get0_certificate(server->native_handle());
    if (leaf == nullptr) return std::nullopt;
    Certificate certificate;
    certificate.subject = text_of_subject(leaf);
    std::tm end{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end) == 1) certificate.not_after = timegm(&end);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(leaf, EVP_sha256(), digest.data(), &size) == 1) {
        certificate.digest.assign(digest.begin(), digest.begin() + size);
    }
    return certificate;
}

}  // namespace sluicegate::net
