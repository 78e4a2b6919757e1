#pragma once
/// What is wrong with the PEM files of TLS, in words for an admin.
///
/// The texts end a sentence that begins with the file. They never repeat a part of a file. Nothing
/// here asks for a pass phrase.

#include "sluicegate/base/clock.hpp"

#include <optional>
#include <string>

namespace sluicegate::config {

/// "" if `path` holds one certificate or more: a chain, or a list of authorities.
[[nodiscard]] std::string why_not_certificates(const std::string& path);
/// "" if `path` holds a private key.
[[nodiscard]] std::string why_not_private_key(const std::string& path);
/// False if the key does not belong to the first certificate. True if one of both is wrong by
/// itself, which the functions above tell.
[[nodiscard]] bool is_pair(const std::string& certificate, const std::string& key);

/// When the first certificate ends.
[[nodiscard]] std::optional<WallTime> end_of_certificate(const std::string& path);

}  // namespace sluicegate::config
