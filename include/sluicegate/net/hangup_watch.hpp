#pragma once
/// Tells which clients have left while their request is being worked on.
///
/// While a request waits for its upstream, nothing is read from its client, so a departure shows
/// only as POLLRDHUP or an error on the socket. One poll(2) per tick covers all running requests of
/// a worker: short requests cost nothing, and a departure is seen within one tick. A client that
/// shuts down only its sending side counts as departed, as in nginx.
///
/// Threads  one: the worker's.

#include <boost/intrusive/list.hpp>

#include <vector>

struct pollfd;

namespace sluicegate::net {

class HangupWatch {
public:
    /// Watches one socket while it is linked. Must not outlive the HangupWatch.
    class Entry : public boost::intrusive::list_base_hook<
                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    public:
        using Gone = void (*)(void* owner) noexcept;

        /// `gone(owner)` runs once, from poll(). It may close sockets; it must not destroy entries.
        Entry(void* owner, Gone gone) noexcept : owner_(owner), gone_(gone) {}
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

        void start(HangupWatch& watch, int descriptor) noexcept;
        void stop() noexcept { unlink(); }

    private:
        friend class HangupWatch;
        void* owner_;
        Gone gone_;
        int descriptor_ = -1;
    };

    HangupWatch();
    ~HangupWatch();
    HangupWatch(const HangupWatch&) = delete;
    HangupWatch& operator=(const HangupWatch&) = delete;

    void poll();

private:
    boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>> entries_;
    std::vector<pollfd> descriptors_;
};

}  // namespace sluicegate::net
