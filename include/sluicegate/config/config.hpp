#pragma once
/// A checked configuration: every reference resolves, every value is in its range.
///
/// Ownership  plain values; made by load(), then only read.
/// Source     docs/configuration.md

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
    std::vector<Upstream> upstreams;  ///< those that are on; all in the order of the files
    std::vector<Model> models;        ///< those with a route; not empty
    std::vector<Group> groups;        ///< "default" is always among them
    std::vector<User> users;          ///< not empty
    /// What is off and why, one sentence each: "model gpt-4o-mini is off: …".
    std::vector<std::string> notes;
    /// Of the text of all files, 64 hexadecimal digits: tells two configurations apart in metrics
    /// and logs.
    std::string sha256;
    /// The files it was read from, as Problem::file names them; what Place::file counts in.
    std::vector<std::string> files;
};

/// Null when there is none of that name.
[[nodiscard]] const Group* find_group(const Config& config, std::string_view name) noexcept;

/// The limits of `user` on `model`, field by field: the user's entry for the model, the user's
/// "*", the group's entry, the group's "*", the model's own; the first that sets a field gives it.
[[nodiscard]] Limits resolve_limits(const Config& config, const User& user, const Model& model);
/// The same for a caller that has found the group already (null: none).
[[nodiscard]] Limits resolve_limits(const Group* group, const User& user, const Model& model);
/// The same with the entry that each field came from; resolve_limits() is this without it.
[[nodiscard]] ResolvedLimits resolve_limits_with_origins(const Group* group, const User& user,
                                                         const Model& model);

/// `user alice, gpt-4o`, `user alice, "*"`, `group research, "*"`, `model gpt-4o`
[[nodiscard]] std::string origin_text(LimitOrigin origin, const User& user, const Model& model);

}  // namespace sluicegate::config
