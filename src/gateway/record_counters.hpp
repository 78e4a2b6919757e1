#pragma once
/// What the limits and the usage of finished requests are counted under, for one worker. Each
/// series is looked up on its first request and found by number afterwards, without the registry's
/// mutex.
///
/// Threads  one; each worker has its own.

#include "sluicegate/metrics/registry.hpp"

#include "gateway/record.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluicegate::gateway {

class RecordCounters {
public:
    explicit RecordCounters(metrics::Registry& registry) : registry_(registry) {}

    /// `names_user`: the configuration wants metrics by user. `record.model` must be set.
    void count(const Record& record, bool names_user);

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

    void count_tokens(ModelSeries& series, const Record& record);
    void count_refusal(ModelSeries& series, const Record& record, limit::Resource resource,
                       bool is_dry_run);
    void count_user(const Record& record);

    metrics::Registry& registry_;
    std::vector<ModelSeries> models_;                        ///< by ModelId
    std::unordered_map<std::uint64_t, UserSeries> users_{};  ///< by UserId and ModelId
};

}  // namespace sluicegate::gateway
