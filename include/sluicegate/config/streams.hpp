#pragma once
/// `streams:`: how event streams are passed on.

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstddef>

namespace sluicegate::config {

struct Streams {
    /// After this time of silence an event stream gets a comment (": "). 0: off; else 1 s … 5 min.
    Milliseconds keep_alive = std::chrono::seconds(15);
    /// If the upstream has not answered a streamed request after this time, the client gets status
    /// 200 and comments. A later error can then only be an event of the stream. 0: off; else 1 s …
    /// 1 h.
    Milliseconds commit_after{0};
    /// Bytes read ahead of a slow client, for each stream; 16 KiB … 1 MiB.
    std::size_t buffer = std::size_t{64} << 10;
};

}  // namespace sluicegate::config
