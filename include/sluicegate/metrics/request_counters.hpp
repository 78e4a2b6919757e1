#pragma once
/// requests_total for one worker: the handle of each (model, status, outcome) is looked up on
/// its first request and found by number afterwards, without the registry's mutex.
///
/// Threads  one; each worker has its own.

#include "sluicegate/base/error.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/metrics/registry.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace sluicegate::metrics {

class RequestCounters {
public:
    /// What a finished request is counted under.
    struct Finished {
        std::optional<ModelId> model;    ///< none: no configured model, counted as "unknown"
        std::string_view model_name;     ///< its name, when there is one
        unsigned status = 0;             ///< as sent; 499 when the client left before an answer
        std::optional<ErrorKind> error;  ///< none: the outcome is "ok"
    };

    explicit RequestCounters(Registry& registry) : registry_(registry) {}

    void count(const Finished& finished);

private:
    struct Entry {
        std::uint32_t key;  ///< status and outcome
        Counter counter;
    };

    Registry& registry_;
    /// By ModelId + 1, with the unknown model at 0; few entries each, the common ones first.
    std::vector<std::vector<Entry>> models_;
};

}  // namespace sluicegate::metrics
