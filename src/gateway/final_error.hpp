#pragma once
/// What the client is told when no attempt has succeeded: of all that went wrong, that which tells
/// it best what to do.
///
/// A refusal for the sake of a quota comes first, with the shortest wait of all: it passes by
/// itself. A wait that no SDK waits for comes after what may be over in a moment, and where a place
/// at an endpoint is all that is missing, nobody is told to wait for longer than a second. Then
/// overload, then what broke, then what took too long (an SDK would pay for it again), then what
/// only an operator can mend.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"

#include <optional>
#include <string>

namespace sluicegate::gateway {

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

}  // namespace sluicegate::gateway
