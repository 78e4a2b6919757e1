#pragma once
/// Makes the snapshot that the request path uses out of a checked configuration.

#include "sluicegate/base/result.hpp"
#include "sluicegate/config/config.hpp"
#include "sluicegate/limit/state.hpp"
#include "sluicegate/route/state_registry.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::app {

/// It keeps what must survive a reload: the numbers of users and models, by which the limiter knows
/// its counts, what users hold of the memory, TLS contexts whose files have not changed, so that
/// pooled connections stay, and the keys of session tickets. The live state of routes survives in
/// the registry, which build() only reads: the caller applies Snapshot::routes when the snapshot is
/// published.
///
/// Lifetime  the registry must outlive this, and this the requests that use a snapshot.
/// Threads   one.
class SnapshotBuilder {
public:
    explicit SnapshotBuilder(const route::StateRegistry& states) noexcept : states_(states) {}

    /// Errors name the TLS file that cannot be used.
    Result<std::shared_ptr<const worker::Snapshot>> build(config::Config config);

    /// A new key seals the session tickets of all listeners. Call once in TicketKeys::period.
    void rotate_ticket_keys() { ticket_keys_->rotate(); }

    // --- names and numbers, of everything that was ever configured ---

    [[nodiscard]] limit::StateNames names() const;
    [[nodiscard]] std::optional<UserId> find_user(std::string_view name) const;
    [[nodiscard]] std::optional<ModelId> find_model(std::string_view name) const;

private:
    using ContextsByFingerprint = std::map<std::string, net::TlsContext>;

    [[nodiscard]] UserId user_id(std::string_view name);
    [[nodiscard]] ModelId model_id(std::string_view name);
    [[nodiscard]] std::optional<worker::Ceiling> ceiling_of(const config::Upstream& upstream);
    /// `scope`: which listener it is.
    Result<net::TlsContext> listener_tls(const config::TlsListener& tls, const std::string& scope);
    Result<net::TlsContext> upstream_tls(const config::UpstreamTls& tls);
    [[nodiscard]] net::TlsContext& context_for(const std::string& fingerprint);
    Result<std::vector<net::TlsContext>> listener_contexts(const config::Config& config);
    Result<std::vector<net::TlsContext>> upstream_contexts(const config::Config& config);
    [[nodiscard]] auth::KeyRing key_ring(const config::Config& config);
    [[nodiscard]] MemoryShare& memory_share(UserId user);
    void add_upstreams(worker::Snapshot& snapshot);
    void add_models(worker::Snapshot& snapshot);
    void add_users(worker::Snapshot& snapshot);

    const route::StateRegistry& states_;
    std::map<std::string, UserId, std::less<>> users_;
    std::map<std::string, ModelId, std::less<>> models_;
    std::deque<MemoryShare> memory_shares_;  ///< by UserId; none is ever removed
    std::shared_ptr<net::TicketKeys> ticket_keys_ = std::make_shared<net::TicketKeys>();
    ContextsByFingerprint contexts_;       ///< of the last snapshot
    ContextsByFingerprint next_contexts_;  ///< of the one being built
    std::vector<std::string> warnings_;    ///< of the one being built
};

}  // namespace sluicegate::app
