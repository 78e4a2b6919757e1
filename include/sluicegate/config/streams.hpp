#pragma once
/// `streams:`: how answers that come in pieces are passed on.

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstddef>

namespace sluicegate::config {

struct Streams {
    /// An event stream that was silent so long gets a comment (": "). 0: off; else 1 s … 5 min.
    Milliseconds keep_alive = std::chrono::seconds(15);
    /// A streamed request whose upstream has not answered for so long is answered with 200 and
    /// kept alive with comments; what goes wrong later can then only be an event of the stream.
    /// 0: off; else 1 s … 1 h.
    Milliseconds commit_after{0};
    /// Bytes read ahead of a slow client, for each stream; 16 KiB … 1 MiB.
    std::size_t buffer = std::size_t{64} << 10;
};

}  // namespace sluicegate::config
