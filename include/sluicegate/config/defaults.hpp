#pragma once
/// `defaults:`: what counts for a request that leaves it out.

#include <string>

namespace sluicegate::config {

struct Defaults {
    /// The model of a moderation without one; "": such a request is refused. A configured model,
    /// which may be off.
    std::string moderations;
};

}  // namespace sluicegate::config
