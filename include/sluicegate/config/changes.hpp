#pragma once
/// Tells an admin, in sentences, what a reload would change.

#include "sluicegate/config/config.hpp"
#include "sluicegate/config/problem.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluicegate::config {

/// One sentence for each change, in the order of the file's sections: "users.alice.keys.laptop
/// removed", "models.gpt-4o.limits.rpm 60 -> 600", "upstreams.openai.api_key changed". Empty if no
/// setting differs; certificate files may still have changed.
/// Contents  names and plain values only; a secret or hash is "changed".
[[nodiscard]] std::vector<std::string> describe_changes(const Config& running, const Config& next);

/// Changes that a reload cannot make: server.threads, server.max_connections, admin.listen,
/// limiter.window, limiter.slots, limiter.state_file. If there are any, refuse the
/// whole reload. The problems have a path and a message, but no file and line.
[[nodiscard]] std::vector<Problem> restart_only_changes(const Config& running, const Config& next);

struct EffectiveChanges {
    std::vector<std::string> lines;    ///< as of describe_changes()
    std::vector<std::string> refused;  ///< paths of changes that a reload cannot make
};
/// The same of two texts of `config show`, which hold no secrets and no hashes: whether these
/// differ is not told. Nothing if `running` is no such text.
[[nodiscard]] std::optional<EffectiveChanges> changes_of_texts(const std::string& running,
                                                               const std::string& next);

}  // namespace sluicegate::config
