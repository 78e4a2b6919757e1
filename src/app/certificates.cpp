#include "app/certificates.hpp"

#include "sluicegate/net/certificate.hpp"

#include "app/timestamp.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>

namespace sluicegate::app {
namespace {

struct Shown {
    std::string path;  ///< of the key in the configuration
    std::string file;
    net::Certificate certificate;
};

std::vector<Shown> shown_by(const worker::Snapshot& snapshot) {
    std::vector<Shown> list;
    const auto add = [&](const config::Listener& listener, const net::TlsContext& tls,
                         const std::string& path) {
        auto certificate = net::certificate_of(tls);
        if (!listener.tls || !certificate) return;
        list.push_back({path, listener.tls->certificate_file, std::move(*certificate)});
    };
    const auto& listen = snapshot.config.server.listen;
    for (std::size_t i = 0; i < listen.size(); ++i) {
        add(listen[i], snapshot.listener_tls[i],
            "server.listen[" + std::to_string(i) + "].tls.certificate");
    }
    if (snapshot.config.admin.listen) {
        add(*snapshot.config.admin.listen, snapshot.admin_tls, "admin.tls.certificate");
    }
    return list;
}

}  // namespace

std::vector<std::string> certificate_changes(const worker::Snapshot& running,
                                             const worker::Snapshot& next) {
    std::map<std::string, std::string> before;  // digests by file
    for (const Shown& shown : shown_by(running)) before[shown.file] = shown.certificate.digest;
    std::vector<std::string> changes;
    for (const Shown& shown : shown_by(next)) {
        const auto found = before.find(shown.file);
        if (found == before.end() || found->second == shown.certificate.digest) continue;
        const WallTime end{std::chrono::seconds(shown.certificate.not_after)};
        changes.push_back(shown.path + " changed: " + shown.certificate.subject + ", valid until " +
                          timestamp(end));
    }
    return changes;
}

void set_certificate_metrics(metrics::Registry& registry, const worker::Snapshot& snapshot) {
    std::map<std::string, std::int64_t> ends;  // several listeners may share a file
    for (const Shown& shown : shown_by(snapshot)) ends[shown.file] = shown.certificate.not_after;
    std::vector<metrics::Registry::Sample> samples;
    // Kept in nanoseconds, which end in 2262.
    constexpr std::int64_t second = 1'000'000'000;
    constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max() / second;
    for (const auto& [file, end] : ends) {
        samples.push_back({.labels = {file}, .values = {std::min(end, latest) * second}});
    }
    registry.set_all(metrics::Metric::tls_certificate_not_after_seconds, samples);
}

}  // namespace sluicegate::app
