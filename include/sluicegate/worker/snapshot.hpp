#pragma once
/// The configuration in force, made ready for the path of a request: names are numbers, limits are
/// resolved, TLS contexts are loaded. Immutable; a request keeps the one it started with.

#include "sluicegate/auth/key_ring.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/base/memory_budget.hpp"
#include "sluicegate/base/redaction.hpp"
#include "sluicegate/config/config.hpp"
#include "sluicegate/limit/plan.hpp"
#include "sluicegate/net/tls.hpp"
#include "sluicegate/openai/body_fields.hpp"
#include "sluicegate/route/state_registry.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluicegate::worker {

struct ModelEntry {
    ModelId id{};
    const config::Model* settings = nullptr;  ///< into Snapshot::config
    /// Its turns are shared by all workers, so that the weights hold for the daemon as a whole.
    std::shared_ptr<const route::ModelRoute> route;
    /// So many first bytes of a conversation decide which endpoint is preferred; 0: none is.
    std::size_t affinity_bytes = 0;
    /// Fields of a request's body that are refused, by their numbers in Snapshot::field_names.
    openai::FieldSet denied_fields = {};
};

/// What an account may be asked for, counted by the limiter like a user on a model of its own.
struct Ceiling {
    UserId account{};
    ModelId model{};
    limit::Plan plan;
};

struct NameHash : std::hash<std::string_view> {
    using is_transparent = void;
};

struct Snapshot {
    config::Config config;
    std::vector<std::string> warnings{};  ///< sentences about files that will give trouble
    auth::KeyRing keys;
    Redaction redaction = {};        ///< of the secrets of all upstreams
    std::vector<ModelEntry> models;  ///< in the order of config.models
    std::unordered_map<std::string, std::size_t, NameHash, std::equal_to<>> model_index;
    /// By the user's index, then the model's: what config::resolve_limits() says.
    std::vector<std::shared_ptr<const std::vector<limit::Plan>>> plans;
    std::vector<UserId> user_ids;          ///< in the order of config.users
    std::vector<std::uint64_t> user_keys;  ///< in the same order: route::user_key()
    /// In the same order: what each user holds of server.memory. They outlive every request.
    std::vector<MemoryShare*> memory_shares;
    std::vector<net::TlsContext> listener_tls;     ///< by listener; null for plain ones
    net::TlsContext admin_tls{};                   ///< null: it is plain, or there is none
    std::vector<net::TlsContext> upstream_tls;     ///< by upstream; null for plain ones
    std::vector<std::optional<Ceiling>> ceilings;  ///< by upstream
    route::RoutePlan routes;                       ///< handles to the live state
    openai::FieldNames field_names = {};           ///< with those of every `body:`

    /// The connections of a listener begin with a header of the PROXY protocol.
    [[nodiscard]] bool has_proxy_header(std::size_t listener) const noexcept {
        const auto& listen = config.server.listen;
        return listener < listen.size() && listen[listener].has_proxy_protocol;
    }
    /// Null for a model that is not configured, or off.
    [[nodiscard]] const ModelEntry* find_model(std::string_view name) const {
        const auto found = model_index.find(name);
        return found == model_index.end() ? nullptr : &models[found->second];
    }
};

}  // namespace sluicegate::worker
