#include "config/pem.hpp"

#include "config/files.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <utility>

namespace sluicegate::config {
namespace {

/// The list of all authorities of a system has about 250 KiB.
constexpr std::size_t pem_bytes_max = std::size_t{4} << 20;

struct FreeOpenssl {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeOpenssl>;

/// Refuses, so that OpenSSL does not ask on the terminal.
int refuse_pass_phrase(char* /*into*/, int /*size*/, int /*is_writing*/, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
}

struct Pem {
    std::string text;
    std::string reason;  ///< why it cannot be read
    Owned<BIO> bio;
};

Pem open_pem(const std::string& path) {
    FileText file = read_file(path, pem_bytes_max);
    Pem pem{.text = std::move(file.text), .reason = {}, .bio = nullptr};
    if (!file.error.empty()) pem.reason = "cannot be read: " + file.error;
    return pem;
}

/// The BIO refers to the text, which must not move any more.
BIO* bio_of(Pem& pem) {
    ERR_clear_error();
    if (!pem.bio)
        pem.bio.reset(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
    return pem.bio.get();
}

Owned<X509> next_certificate(Pem& pem) {
    bool was_asked = false;
    return Owned<X509>(PEM_read_bio_X509_AUX(bio_of(pem), nullptr, refuse_pass_phrase, &was_asked));
}

/// True if the last error only says that no further block follows.
bool is_at_end() {
    const unsigned long last = ERR_peek_last_error();
    ERR_clear_error();
    return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

struct ReadKey {
    Owned<EVP_PKEY> key;
    std::string reason;
};

ReadKey read_private_key(const std::string& path) {
    Pem pem = open_pem(path);
    if (!pem.reason.empty()) return {.key = nullptr, .reason = pem.reason};
    bool was_asked = false;
    Owned<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(bio_of(pem), nullptr, refuse_pass_phrase, &was_asked));
    const bool is_absent = pem.text.find("PRIVATE KEY-----") == std::string::npos;
    ERR_clear_error();
    if (key) return {.key = std::move(key), .reason = {}};
    // The words of the file count too: a cipher that OpenSSL lacks fails before it asks.
    if (was_asked || pem.text.find("ENCRYPTED") != std::string::npos) {
        return {.key = nullptr,
                .reason =
                    "is protected by a pass phrase: remove it with "
                    "`openssl pkey -in OLD -out NEW`"};
    }
    return {.key = nullptr,
            .reason = is_absent ? "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)"
                                : "holds a damaged private key"};
}

}  // namespace

std::string why_not_certificates(const std::string& path) {
    Pem pem = open_pem(path);
    if (!pem.reason.empty()) return pem.reason;
    std::size_t count = 0;
    while (next_certificate(pem)) ++count;
    if (!is_at_end()) {
        return "holds a damaged certificate, number " + std::to_string(count + 1) + " of the file";
    }
    return count > 0 ? "" : "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)";
}

std::string why_not_private_key(const std::string& path) {
    return read_private_key(path).reason;
}

bool is_pair(const std::string& certificate, const std::string& key) {
    Pem pem = open_pem(certificate);
    if (!pem.reason.empty()) return true;
    const Owned<X509> leaf = next_certificate(pem);
    const ReadKey read = read_private_key(key);
    const bool fits = !leaf || !read.key || X509_check_private_key(leaf.get(), read.key.get()) == 1;
    ERR_clear_error();
    return fits;
}

std::optional<WallTime> end_of_certificate(const std::string& path) {
    Pem pem = open_pem(path);
    if (!pem.reason.empty()) return std::nullopt;
    const Owned<X509> leaf = next_certificate(pem);
    ERR_clear_error();
    std::tm parts{};
    if (!leaf || ASN1_TIME_to_tm(X509_get0_notAfter(leaf.get()), &parts) != 1) return std::nullopt;
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace sluicegate::config
