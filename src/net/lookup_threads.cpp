#include "net/lookup_threads.hpp"

#include <boost/asio/post.hpp>

#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace sluicegate::net {

struct LookupThreads::Job {
    std::string host;
    Done done;
};

struct LookupThreads::State {
    const LookUp look_up;
    std::mutex mutex;
    asio::io_context*
        context;  ///< null after the owner was destroyed; it never outlives the context
    std::deque<Job> waiting;
    std::size_t threads = 0;
};

LookupThreads::LookupThreads(asio::io_context& context, LookUp look_up)
    : state_(new State{.look_up = std::move(look_up),
                       .mutex = {},
                       .context = &context,
                       .waiting = {},
                       .threads = 0}) {
}

LookupThreads::~LookupThreads() {
    const std::lock_guard lock(state_->mutex);
    state_->context = nullptr;
    state_->waiting.clear();
}

/// The caller holds the mutex, and the owner exists.
void LookupThreads::answer(const std::shared_ptr<State>& state, Job job, HostAddresses addresses) {
    asio::post(*state->context,
               [state, done = std::move(job.done), addresses = std::move(addresses)]() mutable {
                   {
                       const std::lock_guard lock(state->mutex);
                       if (state->context == nullptr) return;
                   }
                   // This is the owner's thread, so the owner is not destroyed meanwhile.
                   done(std::move(addresses));
               });
}

void LookupThreads::serve(const std::shared_ptr<State>& state) noexcept {
    std::unique_lock lock(state->mutex);
    while (!state->waiting.empty()) {
        Job job = std::move(state->waiting.front());
        state->waiting.pop_front();
        lock.unlock();
        HostAddresses addresses;
        try {
            addresses = state->look_up(job.host);
        } catch (const std::exception& error) {
            addresses.error = error.what();
        }
        lock.lock();
        if (state->context == nullptr) break;
        answer(state, std::move(job), std::move(addresses));
    }
    --state->threads;
}

void LookupThreads::start(std::string host, Done done) {
    const std::lock_guard lock(state_->mutex);
    state_->waiting.push_back({.host = std::move(host), .done = std::move(done)});
    if (state_->threads == threads_max) return;
    try {
        std::thread([state = state_] { serve(state); }).detach();
        ++state_->threads;
    } catch (const std::system_error& error) {
        if (state_->threads > 0) return;  // one of them will take it
        Job job = std::move(state_->waiting.back());
        state_->waiting.pop_back();
        answer(state_, std::move(job), {.addresses = {}, .error = error.what()});
    }
}

}  // namespace sluicegate::net
