#pragma once
/// Runs look-ups, which block, on a few threads that nobody ever waits for.
///
/// Threads are started when there is something to look up and end when there is nothing left. They
/// share their state with this object: when it is destroyed while the system's resolver hangs, they
/// are left alone, find out when they return, and end.
/// Bounds   `threads_max` threads; what comes while all are busy waits for one.
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

    /// `done` runs once, from the io_context, unless this object is destroyed before. A look-up
    /// that runs does not keep the io_context from ending.
    void start(std::string host, Done done);

private:
    struct Job;
    struct State;
    static void serve(const std::shared_ptr<State>& state) noexcept;
    static void answer(const std::shared_ptr<State>& state, Job job, HostAddresses addresses);

    std::shared_ptr<State> state_;
};

}  // namespace sluicegate::net
