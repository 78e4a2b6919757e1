#include "net/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace sluicegate::test {
namespace {

void require(bool is_true) {
    if (!is_true) throw std::runtime_error("cannot make a certificate");
}

std::shared_ptr<EVP_PKEY> make_key() {
    std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    require(key != nullptr);
    return key;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), X509_EXTENSION_free);
    require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::shared_ptr<X509> make_certificate(const std::string& name, EVP_PKEY* key, long serial,
                                       long begins, long ends) {
    std::shared_ptr<X509> made(X509_new(), X509_free);
    require(made && X509_set_version(made.get(), X509_VERSION_3) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), begins);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), ends);
    require(X509_set_pubkey(made.get(), key) == 1);
    X509_NAME* subject = X509_get_subject_name(made.get());
    const std::vector<unsigned char> text(name.begin(), name.end());
    require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text.data(),
                                       static_cast<int>(text.size()), -1, 0) == 1);
    return made;
}

template <class Write>
void write_file(const std::string& name, Write write) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(name.c_str(), "w"),
                                                               std::fclose);
    require(file && write(file.get()) == 1);
}

void write_certificate(const std::string& name, X509* certificate) {
    write_file(name, [&](std::FILE* file) { return PEM_write_X509(file, certificate); });
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "sluicegate-test-XXXXXX";
    require(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Authority::Authority(const TemporaryFolder& folder, const std::string& name)
    : folder_(folder), file_(folder.file(name + ".pem")), key_(make_key()) {
    certificate_ = make_certificate(name, key_.get(), serial_, -7200, 7200);
    X509* own = certificate_.get();
    require(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
    add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(own, own, NID_key_usage, "critical,keyCertSign");
    require(X509_sign(own, key_.get(), EVP_sha256()) > 0);
    write_certificate(file_, own);
}

Authority::~Authority() = default;

CertificateFiles Authority::issue(const std::string& name, const CertificateRequest& request) {
    const auto key = make_key();
    const auto made = make_certificate(name, key.get(), ++serial_, request.begins, request.ends);
    require(X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get())) == 1);
    add_extension(made.get(), certificate_.get(), NID_subject_alt_name, request.names);
    add_extension(made.get(), certificate_.get(), NID_ext_key_usage, request.usage);
    require(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);

    const CertificateFiles files{folder_.file(name + ".pem"), folder_.file(name + "-key.pem")};
    write_certificate(files.certificate, made.get());
    write_file(files.key, [&](std::FILE* file) {
        return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return files;
}

}  // namespace sluicegate::test
