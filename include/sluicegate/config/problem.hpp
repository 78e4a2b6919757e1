#pragma once
/// One mistake in a configuration: its location and how to correct it.

#include <string>

namespace sluicegate::config {

/// Contents  never a secret, a key, a key's hash, or a value from the environment, except the name
///           of a file in `include:`.
struct Problem {
    std::string file;  ///< as given to load(), or as reached through `include:`
    int line = 0;      ///< from 1; 0 where the mistake is the file itself
    std::string path;  ///< "models.gpt-4o.limits.rpm", "users.alice.keys[0]"; "" for a whole file
    std::string message;

    friend bool operator==(const Problem&, const Problem&) = default;
};

/// `sluicegate.yaml:14: models.gpt-4o.limits.rpm: must be 0 … 1000000000, got -5`
[[nodiscard]] std::string format(const Problem& problem);

}  // namespace sluicegate::config
