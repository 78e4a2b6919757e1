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

/// What speaks TLS, with the files that its settings name.
struct Speaker {
    std::string path;              ///< of its `tls` in the configuration
    std::string certificate_path;  ///< of the certificate that it shows
    std::string file;              ///< of that certificate; "" if it shows none
    std::string identity;          ///< equal in two snapshots: the same speaker, the same files
    const net::TlsContext* context;
};

std::vector<Speaker> speakers_of(const worker::Snapshot& snapshot) {
    std::vector<Speaker> speakers;
    const auto add_listener = [&](const config::Listener& listener, const net::TlsContext& context,
                                  const std::string& path) {
        if (!listener.tls) return;
        speakers.push_back({.path = path,
                            .certificate_path = path + ".certificate",
                            .file = listener.tls->certificate_file,
                            .identity = listener.host + ' ' + std::to_string(listener.port) + '\n' +
                                        listener.tls->certificate_file + '\n' +
                                        listener.tls->private_key_file + '\n' +
                                        listener.tls->client_ca_file,
                            .context = &context});
    };
    const config::Config& config = snapshot.config;
    for (std::size_t i = 0; i < config.server.listen.size(); ++i) {
        add_listener(config.server.listen[i], snapshot.listener_tls[i],
                     "server.listen[" + std::to_string(i) + "].tls");
    }
    if (config.admin.listen) add_listener(*config.admin.listen, snapshot.admin_tls, "admin.tls");
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        const config::Upstream& upstream = config.upstreams[i];
        const std::string path = "upstreams." + upstream.name + ".tls";
        speakers.push_back({.path = path,
                            .certificate_path = path + ".client_certificate",
                            .file = upstream.tls.client_certificate_file,
                            .identity = upstream.name + '\n' + upstream.tls.ca_file + '\n' +
                                        upstream.tls.client_certificate_file + '\n' +
                                        upstream.tls.client_key_file,
                            .context = &snapshot.upstream_tls[i]});
    }
    // Those without TLS have nothing to show and nothing to check.
    std::erase_if(speakers, [](const Speaker& speaker) { return *speaker.context == nullptr; });
    return speakers;
}

std::string change_of(const Speaker& before, const Speaker& after) {
    const auto shown = net::certificate_of(*after.context);
    const auto shown_before = net::certificate_of(*before.context);
    if (!shown || !shown_before || shown->digest == shown_before->digest) {
        return after.path + " changed: the files that it names have other contents";
    }
    const WallTime end{std::chrono::seconds(shown->not_after)};
    return after.certificate_path + " changed: " + shown->subject + ", valid until " +
           timestamp(end);
}

}  // namespace

std::vector<std::string> certificate_changes(const worker::Snapshot& running,
                                             const worker::Snapshot& next) {
    const auto before = speakers_of(running);
    std::vector<std::string> changes;
    for (const Speaker& speaker : speakers_of(next)) {
        const auto found = std::ranges::find(before, speaker.identity, &Speaker::identity);
        // The builder keeps the context of files whose contents are the same.
        if (found == before.end() || *found->context == *speaker.context) continue;
        changes.push_back(change_of(*found, speaker));
    }
    return changes;
}

void set_certificate_metrics(metrics::Registry& registry, const worker::Snapshot& snapshot) {
    std::map<std::string, std::int64_t> ends;  // several listeners may share a file
    for (const Speaker& speaker : speakers_of(snapshot)) {
        const auto certificate = net::certificate_of(*speaker.context);
        if (certificate) ends[speaker.file] = certificate->not_after;
    }
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
