#pragma once
/// Drives LimiterState from the control thread: restores before the first request, saves when it
/// is due, and says in the log what came of it.
///
/// Threads    one, the control thread.
/// Ownership  limiter, clock, builder and registry must outlive it.

#include "sluicegate/app/limiter_state.hpp"
#include "sluicegate/app/snapshot_builder.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/net/types.hpp"

#include <cstddef>
#include <string>

namespace sluicegate::app {

class StateKeeper {
public:
    static constexpr Milliseconds tick_length{100};

    StateKeeper(net::asio::io_context& context, const std::string& file, limit::Limiter& limiter,
                const Clock& clock, const SnapshotBuilder& builder, metrics::Registry& registry);
    StateKeeper(const StateKeeper&) = delete;
    StateKeeper& operator=(const StateKeeper&) = delete;

    /// Before requests are admitted. Errors: no state can be kept in that place.
    Result<void> restore();
    /// Runs until stop().
    net::Task<void> run();
    void stop() noexcept;
    /// Before ids are used that the last state knows no names for.
    void note_names();
    /// While requests may still be admitted, for a process that ends before they have.
    void save();
    /// After the last request.
    void finish();

private:
    void tick();
    void report(const Result<SaveReport>& saved);
    void report(const JournalReport& journal);

    std::string file_;
    const SnapshotBuilder& builder_;
    LimiterState state_;
    net::Timer timer_;
    metrics::Registry& registry_;
    std::size_t names_saved_ = 0;
    bool is_save_failing_ = false;    ///< and the log says so
    bool is_remake_failing_ = false;  ///< likewise, of the journal
    bool is_running_ = true;
};

}  // namespace sluicegate::app
