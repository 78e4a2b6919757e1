#include "net/certificates.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace sluicegate::test {

Authority::Authority(const TemporaryFolder& folder, const std::string& name)
    : folder_(folder),
      authority_(name),
      file_(folder.write(name + ".pem", authority_.certificate())) {
}

CertificateFiles Authority::issue(const std::string& name,
                                  const CertificateRequest& request) const {
    std::vector<std::string> names;
    if (!request.names.empty()) names.push_back(request.names);
    const support::Identity identity =
        authority_.issue({.names = std::move(names),
                          .usage = request.usage,
                          .valid_from = std::chrono::seconds(request.begins),
                          .valid_to = std::chrono::seconds(request.ends),
                          .common_name = request.common_name,
                          .is_rsa = request.is_rsa});
    return {.certificate = folder_.write(name + ".pem", identity.certificate),
            .key = folder_.write(name + "-key.pem", identity.private_key)};
}

}  // namespace sluicegate::test
