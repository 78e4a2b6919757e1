#pragma once
/// The last stage: a request that has ended is counted and gets its line in the access log.

#include "sluicegate/limit/decision.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/metrics/request_counters.hpp"

#include "gateway/request.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluicegate::gateway {

/// What finished requests are counted under, for one worker. Each series is looked up on its first
/// request and found by number afterwards, without the registry's mutex.
///
/// Threads  one; each worker has its own.
class Counters {
public:
    explicit Counters(metrics::Registry& registry) : registry_(registry), requests_(registry) {}

    /// `request` has ended at `now`.
    void count(const Request& request, Instant now);

private:
    static constexpr std::size_t token_kinds = 5;
    static constexpr std::size_t sources = static_cast<std::size_t>(UsageSource::count_);
    static constexpr std::size_t resources = 6;

    using Handle = std::optional<metrics::Counter>;
    struct ModelSeries {
        std::array<std::array<Handle, sources>, token_kinds> tokens{};
        std::array<std::array<Handle, 2>, resources> refusals{};  ///< enforced, dry run
        Handle settled{};
        std::optional<metrics::Histogram> inter_token{};
    };
    struct UserSeries {
        std::array<Handle, static_cast<std::size_t>(ErrorKind::count_) + 1> requests{};
        std::array<Handle, 3> tokens{};  ///< input, output, settled
    };

    void count_outcome(const Request& request);
    void count_model(const Request& request);
    void count_upstream(const Request& request, Instant now);
    void count_route(const Request& request);
    void count_tokens(ModelSeries& series, const Record& record);
    void count_refusal(ModelSeries& series, const Record& record, limit::Resource resource,
                       bool is_dry_run);
    void count_user(const Record& record, std::optional<ErrorKind> error);

    metrics::Registry& registry_;
    metrics::RequestCounters requests_;
    std::vector<ModelSeries> models_;                        ///< by ModelId
    std::unordered_map<std::uint64_t, UserSeries> users_{};  ///< by UserId and ModelId
};

void account(Request& request, Counters& counters);

}  // namespace sluicegate::gateway
