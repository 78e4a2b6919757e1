#pragma once
/// What the client is told when no attempt has succeeded: of all that went wrong, the failure that
/// tells it best what to do. The order is Usefulness in base/failure_table.hpp.
///
/// Of several refusals for the sake of a quota, the shortest wait counts. A wait that no SDK waits
/// for comes after what may be over in a moment. Where only a slot at an endpoint is missing, the
/// client is not told to wait for longer than a second.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"

#include <optional>
#include <string>

namespace sluicegate::provider {

/// What kept the candidates away that were not tried.
struct Untried {
    /// The shortest time until the quota of one of them lets a request pass; nothing if none of
    /// them waits for that.
    std::optional<Milliseconds> quota_wait = std::nullopt;
    /// Every endpoint of one of them has as many requests as it may have.
    bool is_full = false;
};

class FinalError {
public:
    /// Of an attempt, in the order in which they were made.
    void note(Error&& error);

    /// Names all of them in its detail.
    [[nodiscard]] Error take(const Untried& untried) &&;

private:
    std::optional<Error> best_;
    std::string details_;
};

}  // namespace sluicegate::provider
