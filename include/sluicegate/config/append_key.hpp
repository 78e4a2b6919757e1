#pragma once
/// Adds an API key to the text of a configuration, for `sluicegate key new --append-to`.

#include "sluicegate/base/result.hpp"
#include "sluicegate/config/user.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {

/// A key as the file has it.
struct KeyEntry {
    std::string user;
    std::string id;
    std::string sha256;               ///< 64 hexadecimal digits
    std::string expires{};            ///< a date or a time; "": never
    std::vector<std::string> models;  ///< empty: all
};

/// What is wrong with the names or the date of an entry; "" if nothing is.
[[nodiscard]] std::string why_not_a_key(const KeyEntry& entry);

/// `- {id: laptop, sha256: …}`
[[nodiscard]] std::string key_line(const KeyEntry& entry);

/// "2027-01-01T00:00:00Z", or "never".
[[nodiscard]] std::string end_text(const ApiKey& key);

/// True if the user has a key with the id of the entry in this file.
[[nodiscard]] bool has_key(std::string_view yaml, const KeyEntry& entry);

/// The text of one file with the entry at the end of its user's keys, or with a new user at the end
/// of `users`. Every other byte stays as it is. Errors: why that cannot be done safely, such as a
/// list in brackets. Then nothing is lost: the caller has the text.
[[nodiscard]] Result<std::string> append_key(std::string_view yaml, const KeyEntry& entry);

}  // namespace sluicegate::config
