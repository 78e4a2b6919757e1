#pragma once
/// What a limiter remembers of one key, in a form that can leave the process.
///
/// Limiter::visit_state() makes these values and Limiter::restore_state() takes them; the state
/// codec writes them down. What requests in flight have reserved is part of it. That they are in
/// flight is not, because they end with the process.
///
/// Units      milliseconds, model tokens.
/// Source     docs/limits-proofs.md, laws L1 and L5, which hold across an export and an import.

#include "sluicegate/base/ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluicegate::limit {

/// Of the limits per minute (Settings::window), or of those per day.
enum class StateWindow : std::uint8_t { minute, day };

/// Charged at one moment, or in a run that counts as if it had been.
struct RunState {
    std::int64_t age_ms = 0;  ///< at the moment of the export; below 0: charged after it began
    std::uint64_t requests = 0;
    std::uint64_t tokens = 0;

    friend bool operator==(const RunState&, const RunState&) = default;
};

struct KeyState {
    UserId user{};
    ModelId model{};
    StateWindow window = StateWindow::minute;
    /// Counts of an overflow slot, which several keys share; user and model mean nothing then.
    bool is_shared = false;
    std::vector<RunState> runs{};  ///< oldest first

    friend bool operator==(const KeyState&, const KeyState&) = default;
};

/// The names of users and models, by number: the numbers mean nothing outside their process.
struct StateNames {
    std::vector<std::string> users{};
    std::vector<std::string> models{};

    friend bool operator==(const StateNames&, const StateNames&) = default;
};

}  // namespace sluicegate::limit
