#include "sluicegate/net/hangup_watch.hpp"

#include <poll.h>

namespace sluicegate::net {

HangupWatch::HangupWatch() = default;
HangupWatch::~HangupWatch() = default;

void HangupWatch::Entry::start(HangupWatch& watch, int descriptor) noexcept {
    unlink();
    descriptor_ = descriptor;
    watch.entries_.push_back(*this);
}

void HangupWatch::poll() {
    if (entries_.empty()) return;
    descriptors_.clear();
    for (const Entry& entry : entries_) {
        descriptors_.push_back({.fd = entry.descriptor_, .events = POLLRDHUP, .revents = 0});
    }
    if (::poll(descriptors_.data(), descriptors_.size(), 0) <= 0) return;

    auto entry = entries_.begin();
    for (const pollfd& descriptor : descriptors_) {
        Entry& current = *entry;
        ++entry;
        if (descriptor.revents == 0) continue;
        current.unlink();
        current.gone_(current.owner_);
    }
}

}  // namespace sluicegate::net
