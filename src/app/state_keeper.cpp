#include "app/state_keeper.hpp"

#include "sluicegate/base/log.hpp"
#include "sluicegate/net/spawn.hpp"

#include <utility>

namespace sluicegate::app {
namespace {

using metrics::Metric;

std::size_t count_of(const limit::StateNames& names) {
    return names.users.size() + names.models.size();
}

}  // namespace

StateKeeper::StateKeeper(net::asio::io_context& context, const std::string& file,
                         limit::Limiter& limiter, const Clock& clock,
                         const SnapshotBuilder& builder, metrics::Registry& registry)
    : file_(file),
      builder_(builder),
      state_({.file = file}, limiter, clock),
      timer_(context.get_executor()),
      registry_(registry) {
}

Result<void> StateKeeper::restore() {
    const limit::StateNames names = builder_.names();
    auto restored = state_.restore(
        {.user = [this](std::string_view name) { return builder_.find_user(name); },
         .model = [this](std::string_view name) { return builder_.find_model(name); }},
        names);
    if (!restored) return std::move(restored).failure();
    names_saved_ = count_of(names);
    if (!restored->set_aside.empty()) {
        log::error("limiter_state", file_ + " " + restored->set_aside + "; the limits start empty",
                   {{"kept_as", file_ + ".unusable"}});
    } else if (restored->was_found) {
        log::info("limiter_state", "the limits go on where they were",
                  {{"file", file_},
                   {"keys", restored->keys},
                   {"unknown", restored->unknown},
                   {"expired", restored->expired},
                   {"journaled", restored->journaled},
                   {"age_ms", restored->age.count()},
                   {"age_by", restored->by_wall_clock ? "calendar" : "boot"}});
    } else {
        log::info("limiter_state", "there is no state yet; the limits start empty",
                  {{"file", file_}});
    }
    if (restored->lost > 0) {
        log::warn("limiter_journal",
                  "records of the journal are damaged or were not finished; what they charged does "
                  "not count",
                  {{"file", file_ + ".journal"}, {"lost", restored->lost}});
    }
    if (restored->is_journal_missing) {
        log::warn("limiter_journal",
                  "the journal of the state is not there or cannot be used; what was charged after "
                  "the state does not count",
                  {{"file", file_ + ".journal"}});
    }
    return {};
}

net::Task<void> StateKeeper::run() {
    while (is_running_) {
        timer_.expires_after(tick_length);
        auto [cancelled] = co_await timer_.async_wait(net::use_result);
        if (cancelled) continue;
        net::guarded("keeping the limiter's state", [this] { tick(); });
    }
}

void StateKeeper::tick() {
    report(state_.tick([this] { return builder_.names(); }));
    if (state_.is_due()) save();
}

void StateKeeper::save() {
    report(state_.save(builder_.names()));
}

void StateKeeper::stop() noexcept {
    is_running_ = false;
    timer_.cancel();
}

void StateKeeper::note_names() {
    const limit::StateNames names = builder_.names();
    if (count_of(names) == names_saved_) return;
    auto saved = state_.save(names);
    if (saved) names_saved_ = count_of(names);
    report(saved);
}

void StateKeeper::finish() {
    auto saved = state_.finish(builder_.names());
    report(saved);
    if (!saved) return;
    log::info("limiter_state", "the limits are kept for the next start",
              {{"file", file_}, {"keys", saved->keys}, {"bytes", saved->bytes}});
}

/// A failure is said once, and so is its end.
void StateKeeper::report(const Result<SaveReport>& saved) {
    if (!saved) {
        if (!std::exchange(is_save_failing_, true)) {
            log::error("limiter_state", "not saved: " + saved.error().detail, {{"file", file_}});
        }
        return;
    }
    if (std::exchange(is_save_failing_, false)) {
        log::info("limiter_state", "saved again", {{"file", file_}});
    }
    if (saved->journal_overran) {
        log::warn("limiter_state", "more was admitted between two saves than the journal holds",
                  {{"file", file_}});
    }
}

void StateKeeper::report(const JournalReport& journal) {
    const std::string file = file_ + ".journal";
    if (!journal.lost.empty()) {
        registry_.counter(Metric::limiter_journal_losses_total).add();
        registry_.set(Metric::limiter_journal_lost, 1);
        log::error("limiter_journal",
                   "the journal is lost: " + journal.lost +
                       "; until it is made anew, a kill forgets what was charged since the last "
                       "state",
                   {{"file", file}});
    }
    if (!journal.not_remade.empty() && !std::exchange(is_remake_failing_, true)) {
        log::error("limiter_journal", "not made anew, tried again: " + journal.not_remade,
                   {{"file", file}});
    }
    if (journal.is_remade) {
        is_remake_failing_ = false;
        registry_.set(Metric::limiter_journal_lost, 0);
        log::info("limiter_journal", "the journal was made anew", {{"file", file}});
    }
}

}  // namespace sluicegate::app
