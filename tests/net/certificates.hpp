#pragma once
/// Certificates made for one test: an authority of its own, and what it signs.

#include <filesystem>
#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;

namespace sluicegate::test {

/// A folder that is removed with its contents.
class TemporaryFolder {
public:
    TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder();
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

struct CertificateRequest {
    std::string names = "DNS:gateway.test";  ///< subjectAltName in OpenSSL's notation
    std::string usage = "serverAuth";        ///< extendedKeyUsage
    long begins = -3600;                     ///< seconds from now
    long ends = 3600;
};

struct CertificateFiles {
    std::string certificate;
    std::string key;
};

class Authority {
public:
    /// Files are named after `name` and lie in `folder`.
    Authority(const TemporaryFolder& folder, const std::string& name);
    ~Authority();
    [[nodiscard]] const std::string& file() const { return file_; }
    CertificateFiles issue(const std::string& name, const CertificateRequest& request);

private:
    const TemporaryFolder& folder_;
    std::string file_;
    std::shared_ptr<evp_pkey_st> key_;
    std::shared_ptr<x509_st> certificate_;
    long serial_ = 1;
};

}  // namespace sluicegate::test
