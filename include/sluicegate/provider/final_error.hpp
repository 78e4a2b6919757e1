#pragma once
/// What the client is told when no attempt has succeeded: of all that went wrong, the failure that
/// tells it best what to do. The order is Usefulness in base/failure_table.hpp.
///
/// Of several refusals for the sake of a quota, the shortest wait counts. A wait that no SDK waits
/// for counts less than a failure that may be gone in a moment. Where only a slot at an endpoint is
/// missing, the client is not told to wait for longer than a second.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"

#include <optional>
#include <string>

namespace sluicegate::provider {

/// Why some candidates were not tried.
struct Untried {
    /// The shortest time until the quota of one of them lets a request pass. Nothing if no quota
    /// kept a candidate away.
    std::optional<Milliseconds> quota_wait = std::nullopt;
    /// One of them was full: each of its endpoints had max_in_flight requests.
    bool is_full = false;
};

class FinalError {
public:
    /// Takes the error of an attempt. Call it in the order of the attempts.
    void note(Error&& error);

    /// The error for the client. Its detail names every attempt.
    [[nodiscard]] Error take(const Untried& untried) &&;

    /// The error for the client where `last` refused in the words of an earlier attempt: the
    /// request itself is what cannot be answered. Its detail names every attempt.
    [[nodiscard]] Error take_refusal(Error&& last) &&;

private:
    std::optional<Error> best_;
    std::string details_;
};

}  // namespace sluicegate::provider
