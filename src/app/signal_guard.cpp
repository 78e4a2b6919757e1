#include "sluicegate/app/signal_guard.hpp"

#include "sluicegate/base/log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <limits>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluicegate::app {
namespace {

sigset_t handled_signals() {
    sigset_t set{};
    sigemptyset(&set);
    for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, signal);
    return set;
}

}  // namespace

SignalGuard::SignalGuard() : stop_(::eventfd(0, EFD_CLOEXEC)) {
    const sigset_t set = handled_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_ < 0 || stop_ < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot wait for signals");
    }
    thread_ = std::thread([this] { run(); });
}

SignalGuard::~SignalGuard() {
    const std::uint64_t one = 1;
    if (::write(stop_, &one, sizeof one) == sizeof one) thread_.join();
    ::close(signals_);
    ::close(stop_);
}

void SignalGuard::serve_with(Handle handle) {
    const std::scoped_lock lock(mutex_);
    handle_ = std::move(handle);
    for (const int signal : std::exchange(waiting_, {})) handle_(signal);
}

void SignalGuard::stop_handing_on() {
    const std::scoped_lock lock(mutex_);
    handle_ = [](int) {};
}

void SignalGuard::run() noexcept {
    for (;;) {
        std::array<pollfd, 2> polled{pollfd{.fd = signals_, .events = POLLIN, .revents = 0},
                                     pollfd{.fd = stop_, .events = POLLIN, .revents = 0}};
        ::poll(polled.data(), polled.size(), milliseconds_left());
        if (polled[1].revents != 0) return;
        signalfd_siginfo info{};
        while (::read(signals_, &info, sizeof info) == sizeof info) {
            try {
                take(static_cast<int>(info.ssi_signo));
            } catch (const std::exception&) {
                // No memory to hand it on: the deadline stands, and the sender may repeat it.
            }
        }
        if (end_at_ && clock_.now() >= *end_at_) {
            end_process(1, "it did not end in time");
        }
    }
}

void SignalGuard::take(int signal) {
    const std::scoped_lock lock(mutex_);
    if (signal == SIGTERM || signal == SIGINT) {
        if (!handle_) end_process(0, "told to end before it served");
        tell_to_end(clock_.now());
    }
    if (handle_) {
        handle_(signal);
    } else {
        waiting_.push_back(signal);
    }
}

void SignalGuard::tell_to_end(Instant now) {
    ++times_told_;
    if (times_told_ > 2) end_process(1, "told to end for the third time");
    const Milliseconds allowed = times_told_ == 1 ? drain_timeout_.load() : Milliseconds(0);
    const Instant end_at = now + allowed + patience;
    end_at_ = end_at_ ? std::min(*end_at_, end_at) : end_at;
}

int SignalGuard::milliseconds_left() const noexcept {
    if (!end_at_) return -1;
    const auto left = std::chrono::ceil<Milliseconds>(*end_at_ - clock_.now()).count();
    return static_cast<int>(
        std::clamp<Milliseconds::rep>(left, 0, std::numeric_limits<int>::max()));
}

void SignalGuard::end_process(int status, const char* why) noexcept {
    try {
        std::string line = "sluicegate: ended at once: ";
        line += why;
        const std::int64_t unwritten = log::unwritten_count();
        if (unwritten > 0) line += "; entries of the log not written: " + std::to_string(unwritten);
        log::write_last_words(std::move(line));
    } catch (const std::exception&) {
        // No memory for words.
    }
    std::_Exit(status);
}

}  // namespace sluicegate::app
