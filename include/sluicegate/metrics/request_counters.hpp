#pragma once
/// requests_total for one worker. The handle of each (model, status, outcome) is looked up at its
/// first request; later it is found by number, without the registry's mutex.
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
    /// The labels of a finished request.
    struct Finished {
        std::optional<ModelId> model;    ///< none: no configured model, counted as "unknown"
        std::string_view model_name;     ///< its name, when there is one
        unsigned status = 0;             ///< as sent; 499 if the client left before an answer
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
    /// By ModelId + 1; the unknown model is at 0. Each has few entries, the common ones first.
    std::vector<std::vector<Entry>> models_;
};

}  // namespace sluicegate::metrics
