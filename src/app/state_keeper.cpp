#include "app/state_keeper.hpp"

#include "sluicegate/base/log.hpp"

#include <utility>

namespace sluicegate::app {
namespace {

std::size_t count_of(const limit::StateNames& names) {
    return names.users.size() + names.models.size();
}

}  // namespace

StateKeeper::StateKeeper(net::asio::io_context& context, const std::string& file,
                         limit::Limiter& limiter, const Clock& clock,
                         const SnapshotBuilder& builder)
    : file_(file),
      builder_(builder),
      state_({.file = file}, limiter, clock),
      timer_(context.get_executor()) {
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
    return {};
}

net::Task<void> StateKeeper::run() {
    while (is_running_) {
        timer_.expires_after(tick_length);
        auto [cancelled] = co_await timer_.async_wait(net::use_result);
        if (cancelled) continue;
        state_.tick();
        if (state_.is_due()) report(state_.save(builder_.names()));
    }
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

void StateKeeper::report(const Result<SaveReport>& saved) const {
    if (!saved) {
        log::error("limiter_state", "not saved: " + saved.error().detail, {{"file", file_}});
    } else if (saved->journal_overran) {
        log::warn("limiter_state", "more was admitted between two saves than the journal holds",
                  {{"file", file_}});
    }
}

}  // namespace sluicegate::app
