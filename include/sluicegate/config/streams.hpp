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
    /// A stream whose every choice has its finish_reason is complete after so much silence, though
    /// its upstream keeps the connection open. 0 … 60 s.
    Milliseconds end_grace = std::chrono::seconds(2);
    /// A complete stream of chat completions or completions that ended without [DONE] gets one.
    bool adds_done = false;
};

}  // namespace sluicegate::config
