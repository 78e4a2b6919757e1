#pragma once
/// Runs look-ups, which block, on a few detached threads.
///
/// Threads are started for look-ups and end when none is left. They share their state with this
/// object. If it is destroyed while the system's resolver hangs, they notice that when the resolver
/// returns, and end.
/// Bounds   `threads_max` threads. A look-up waits while all are busy.
/// Threads  one: the worker's.

#include "sluicegate/net/look_up.hpp"
#include "sluicegate/net/types.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sluicegate::net {

class LookupThreads {
public:
    static constexpr std::size_t threads_max = 4;
    using Done = std::function<void(HostAddresses)>;

    LookupThreads(asio::io_context& context, LookUp look_up);
    LookupThreads(const LookupThreads&) = delete;
    LookupThreads& operator=(const LookupThreads&) = delete;
    ~LookupThreads();

    /// `done` runs once, from the io_context, unless this object is destroyed before. A running
    /// look-up does not keep the io_context alive.
    void start(std::string host, Done done);

private:
    struct Job;
    struct State;
    static void serve(const std::shared_ptr<State>& state) noexcept;
    static void answer(const std::shared_ptr<State>& state, Job job, HostAddresses addresses);

    std::shared_ptr<State> state_;
};

}  // namespace sluicegate::net
