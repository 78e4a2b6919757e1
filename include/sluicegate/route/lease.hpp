#pragma once
/// One slot of one endpoint, held by an attempt.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/route/upstream_handle.hpp"

#include <cstddef>
#include <optional>

namespace sluicegate::route {

/// Destruction passes the slot to the next request that waits, or gives it back. Without a report,
/// the attempt says nothing about the endpoint.
class [[nodiscard]] Lease {
public:
    Lease() noexcept = default;
    /// Of a slot that the caller took.
    Lease(const UpstreamHandle& upstream, std::size_t endpoint, AttemptKind kind,
          Instant now) noexcept
        : upstream_(&upstream), endpoint_(endpoint), kind_(kind), now_(now) {}
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { end(); }

    [[nodiscard]] explicit operator bool() const noexcept { return upstream_ != nullptr; }
    [[nodiscard]] std::size_t endpoint() const noexcept { return endpoint_; }
    [[nodiscard]] AttemptKind kind() const noexcept { return kind_; }

    /// How the attempt ended. Only the first call counts. `wait`: what a 503 or 529 asked for. The
    /// slot is held until destruction or end().
    std::optional<HealthChange> report(Outcome outcome, Milliseconds wait, Instant now);
    /// The endpoint has begun to answer: it works again, if that was in doubt.
    void answered(Instant now);
    /// Lets the slot go now.
    void end();

private:
    const UpstreamHandle* upstream_ = nullptr;
    std::size_t endpoint_ = 0;
    AttemptKind kind_ = AttemptKind::ordinary;
    bool is_reported_ = false;
    Instant now_;  ///< the latest time that this was told
};

}  // namespace sluicegate::route
