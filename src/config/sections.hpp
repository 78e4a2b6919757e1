#pragma once
/// One parse_* function for each section of the file. It reports mistakes and continues, so all of
/// them are shown at once. Its result is used only if there are none.

#include "sluicegate/config/config.hpp"

#include "config/map_reader.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sluicegate::config {

[[nodiscard]] Server parse_server(Context& context, const Value& at);
[[nodiscard]] LimiterSettings parse_limiter(Context& context, const Value& at);
[[nodiscard]] Streams parse_streams(Context& context, const Value& at);
[[nodiscard]] Retries parse_retries(Context& context, const Value& at);
[[nodiscard]] Log parse_log(Context& context, const Value& at);

/// `server.cors`
[[nodiscard]] Cors parse_cors(Context& context, const Value& at);
/// A list of addresses and ranges. `what` names an element in messages ("one range").
void parse_ranges(Context& context, const Value& at, std::string_view what,
                  std::vector<AddressRange>& into);

/// `admin.tls`
[[nodiscard]] TlsListener parse_admin_tls(Context& context, const Value& at);
/// "0.0.0.0:8080", "[::1]:8080".
[[nodiscard]] std::optional<Listener> parse_listen_address(Context& context, const Value& at);

/// The upstreams that are on, and the state of every name in the file.
struct Upstreams {
    std::vector<Upstream> list;
    /// Index into `list`; nothing for an upstream that is off.
    std::unordered_map<std::string, std::optional<std::size_t>> index_by_name;
    /// For upstreams that are off: the variable that is not set.
    std::unordered_map<std::string, std::string> off_because_of;
    std::vector<std::string> notes;
};
[[nodiscard]] Upstreams parse_upstreams(Context& context, const std::vector<NamedEntry>& entries);

struct Models {
    std::vector<Model> list;
    std::unordered_set<std::string> names;  ///< with those that are off
    std::vector<std::string> notes;
};
[[nodiscard]] Models parse_models(Context& context, const std::vector<NamedEntry>& entries,
                                  const Upstreams& upstreams);

[[nodiscard]] Defaults parse_defaults(Context& context, const Value& at, const Models& models);

/// `body:` of an upstream or a model.
[[nodiscard]] BodyPolicy parse_body(Context& context, const Value& at, Section section);

/// `info:` of a model.
[[nodiscard]] ModelInfo parse_model_info(Context& context, const Value& at);

/// The upstream's name for a model; "" after a problem.
[[nodiscard]] std::string parse_upstream_model(Context& context, const Value& at);

/// The fields of one entry of limits.
[[nodiscard]] Limits parse_limits(Context& context, const Value& at, Section section);
/// `limits: {gpt-4o: {…}, "*": {…}}`
[[nodiscard]] LimitsByModel parse_limits_by_model(Context& context, const Value& at,
                                                  Section section, const Models& models);
/// Adds a problem unless `name` is a model.
void check_model_name(Context& context, const Node& at, const std::string& path, const Text& name,
                      const Models& models);

/// "default" is added if the file has none.
[[nodiscard]] std::vector<Group> parse_groups(Context& context,
                                              const std::vector<NamedEntry>& entries,
                                              const Models& models);

struct HashOfDigest {
    std::size_t operator()(const std::array<std::uint8_t, 32>& digest) const noexcept {
        std::size_t hash = 0;  // each part of a SHA-256 is as good as any
        std::memcpy(&hash, digest.data(), sizeof hash);
        return hash;
    }
};
/// The location of each key's hash, because one key may not belong to two users.
using KeyPlaces = std::unordered_map<std::array<std::uint8_t, 32>, std::string, HashOfDigest>;
[[nodiscard]] std::vector<User> parse_users(Context& context,
                                            const std::vector<NamedEntry>& entries,
                                            const std::vector<Group>& groups, const Models& models,
                                            KeyPlaces& places);
[[nodiscard]] std::vector<ApiKey> parse_api_keys(Context& context, const Value& at,
                                                 const Models& models, KeyPlaces& places);
/// Keys of the admin port: only `id` and `sha256`. No user's key may be among them.
[[nodiscard]] std::vector<ApiKey> parse_admin_keys(Context& context, const Value& at,
                                                   KeyPlaces& places);
[[nodiscard]] Admin parse_admin(Context& context, const Value& at, KeyPlaces& places);

}  // namespace sluicegate::config
