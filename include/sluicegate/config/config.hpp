#pragma once
/// A checked configuration: every reference resolves, every value is in its range.
///
/// Ownership  plain values; made by load(), then only read.
/// Source     docs/configuration.md

#include "sluicegate/config/defaults.hpp"
#include "sluicegate/config/limiter.hpp"
#include "sluicegate/config/log.hpp"
#include "sluicegate/config/model.hpp"
#include "sluicegate/config/retries.hpp"
#include "sluicegate/config/server.hpp"
#include "sluicegate/config/streams.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/config/user.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {

struct Config {
    Server server;
    Admin admin;
    LimiterSettings limiter;
    Streams streams;
    Retries retries;
    Log log;
    Defaults defaults;
    std::vector<Upstream> upstreams;  ///< those that are on; all in the order of the files
    std::vector<Model> models;        ///< those with a route; not empty
    std::vector<Group> groups;        ///< "default" is always among them
    std::vector<User> users;          ///< not empty
    /// One sentence for each part that is off, with the reason: "model gpt-4o-mini is off: …".
    std::vector<std::string> notes;
    /// Sentences about files that will give trouble.
    std::vector<std::string> warnings;
    /// Digest of the text of all files, 64 hexadecimal digits. It identifies a configuration in
    /// metrics and logs.
    std::string sha256;
    /// What `sluicegate config show` prints. Only if it was asked for.
    std::string effective_text;
    /// The files that were read, named as in Problem::file. SourceLocation::file is an index into
    /// it.
    std::vector<std::string> files;
};

/// Null if no group has that name.
[[nodiscard]] const Group* find_group(const Config& config, std::string_view name) noexcept;

/// The limits of `user` on `model`. For each field, the first of these entries that sets it: the
/// user's for the model, the user's "*", the group's for the model, the group's "*", the model's
/// own.
[[nodiscard]] Limits resolve_limits(const Config& config, const User& user, const Model& model);
/// The same with a group that was found before (null: none).
[[nodiscard]] Limits resolve_limits(const Group* group, const User& user, const Model& model);
/// The same, with the entry that each field comes from.
[[nodiscard]] ResolvedLimits resolve_limits_with_origins(const Group* group, const User& user,
                                                         const Model& model);

/// `user alice, gpt-4o`, `user alice, "*"`, `group research, "*"`, `model gpt-4o`
[[nodiscard]] std::string origin_text(LimitOrigin origin, const User& user, const Model& model);

}  // namespace sluicegate::config
