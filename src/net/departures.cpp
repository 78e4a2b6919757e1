#include "sluicegate/net/departures.hpp"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>

namespace sluicegate::net {
namespace {

/// More than depart between two turns of the reactor; the rest is taken in the next round.
constexpr std::size_t events_max = 64;

int make_set() {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return descriptor;
}

}  // namespace

Departures::Departures(asio::io_context& context) : set_(context.get_executor(), make_set()) {
    await();
}

void Departures::close() noexcept {
    ErrorCode ignored;
    set_.close(ignored);
}

void Departures::await() noexcept {
    set_.async_wait(asio::posix::descriptor_base::wait_read, [this](const ErrorCode& error) {
        if (error) return;
        tell_all();
        await();
    });
}

void Departures::tell_all() noexcept {
    std::array<epoll_event, events_max> events;
    const int count =
        ::epoll_wait(set_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        auto& watch = *static_cast<Watch*>(events[static_cast<std::size_t>(i)].data.ptr);
        watch.has_departed_ = true;
        watch.tell();
    }
}

void Departures::Watch::start(Departures& departures, int descriptor) noexcept {
    is_watching_ = true;
    if (!is_registered_) {
        epoll_event event{.events = EPOLLRDHUP | EPOLLET, .data = {.ptr = this}};
        is_registered_ =
            ::epoll_ctl(departures.set_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) == 0;
    }
    tell();
}

void Departures::Watch::tell() noexcept {
    if (!has_departed_ || !is_watching_) return;
    is_watching_ = false;
    departed_(owner_);
}

}  // namespace sluicegate::net
