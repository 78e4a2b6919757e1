#pragma once
/// What a request has cost, and the one place where the limits, the endpoint and the record are
/// told of it.

#include "sluicegate/base/outcome.hpp"

#include "gateway/attempt.hpp"

#include <cstdint>
#include <optional>

namespace sluicegate::gateway {

/// What an answer has cost, by the best figure known.
struct Cost {
    openai::Usage usage = {};
    UsageSource source = UsageSource::none;
};

/// What the upstream reported or, with `otherwise` as the source, the estimate of the prompt and
/// `counted_output`; these also stand for the parts of a report that cannot be true. Nothing for an
/// endpoint whose requests cost no tokens.
[[nodiscard]] Cost cost_of(const Routed& routed, const std::optional<openai::Usage>& reported,
                           std::int64_t counted_output, UsageSource otherwise);

/// How the passing on of an answer has ended.
struct Ended {
    Cost cost = {};
    /// What it says of the endpoint; nothing where the client has left.
    std::optional<Outcome> outcome = std::nullopt;
    /// An error is what the client is still to be told.
    Result<void> told = {};
    /// The connection may carry another request.
    bool stays_open = false;
};

/// Settles the request that `attempt` answers. An answer is settled before its last byte leaves, so
/// that a client that has all of it finds its place free; what happens to that byte changes nothing
/// any more.
///
/// Ownership  the request, its values and the attempt must outlive it.
class Settlement {
public:
    Settlement(Request& request, Routed& routed, Attempt& attempt) noexcept
        : request_(request), routed_(routed), attempt_(attempt) {}
    Settlement(const Settlement&) = delete;
    Settlement& operator=(const Settlement&) = delete;

    /// Replaces what was reserved by the cost, reports the outcome to the endpoint and leaves the
    /// place there to the next request. The first call counts; later ones do nothing.
    void settle(const Ended& ended);
    /// What the limits hold for the request until it is settled; it may grow.
    [[nodiscard]] limit::Reservation& reservation() noexcept { return routed_.reservation; }

private:
    Request& request_;
    Routed& routed_;
    Attempt& attempt_;
    bool is_settled_ = false;
};

/// The same for a request that no upstream has answered. One that an upstream may have seen
/// counts, even if it failed; any other is given back. A client that has left pays for its prompt.
void settle_unanswered(Request& request, Routed& routed, bool was_sent, ErrorKind kind);

}  // namespace sluicegate::gateway
