#pragma once
/// Certificates as files, as the code under test wants them: an authority, and what it signs.

#include "support/certificates.hpp"
#include "support/temporary_folder.hpp"

#include <string>

namespace sluicegate::test {

using support::TemporaryFolder;

struct CertificateRequest {
    std::string names = "DNS:gateway.test";  ///< subjectAltName in OpenSSL's notation; "": none
    std::string usage = "serverAuth";        ///< extendedKeyUsage
    long begins = -3600;                     ///< seconds from now
    long ends = 3600;
    std::string common_name = "leaf";
    bool is_rsa = false;
};

struct CertificateFiles {
    std::string certificate;
    std::string key;
};

class Authority {
public:
    /// Files are named after `name` and lie in `folder`.
    Authority(const TemporaryFolder& folder, const std::string& name);
    [[nodiscard]] const std::string& file() const { return file_; }
    /// Replaces what was issued under the same name before.
    CertificateFiles issue(const std::string& name, const CertificateRequest& request) const;

private:
    const TemporaryFolder& folder_;
    support::CertificateAuthority authority_;
    std::string file_;
};

}  // namespace sluicegate::test
