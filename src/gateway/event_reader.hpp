#pragma once
/// Reads an event stream from the upstream, piece by piece.
///
/// Memory   at most `buffer_bytes` and one read.
/// Threads  one: the worker's.
/// Source   openai/event_pieces.hpp says what a piece is.

#include "sluicegate/openai/event_pieces.hpp"
#include "sluicegate/upstream/exchange.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::gateway {

class EventReader {
public:
    /// The head of `exchange` is there; it and `redaction` must outlive the reader.
    EventReader(upstream::Exchange& exchange, openai::SseScanner scanner,
                const Redaction& redaction, std::size_t buffer_bytes);

    /// Waits until there is something to pass on, or the stream is over. What ready() held must
    /// have been consumed. Silent once `wake_at` has come first.
    /// Errors: those of Exchange::receive_body(); upstream_closed for a stream that ended before it
    /// was complete; upstream_failed, with its words, for one that ended with the
    /// bare `error:` line of llama.cpp.
    net::Task<Result<upstream::Arrival>> read(Instant wake_at);

    /// For the client; may be empty.
    [[nodiscard]] std::string_view ready() const noexcept { return pieces_.ready(); }
    /// What ready() has been passed on.
    void consume() noexcept;
    /// ready() ends with the end of an event.
    [[nodiscard]] bool ends_event() const noexcept { return pieces_.ends_event(); }
    /// The stream is complete with ready(), as it said itself: nothing follows that a client reads.
    [[nodiscard]] bool is_last() const noexcept { return pieces_.is_last(); }

    /// Until now the upstream has sent comments alone.
    [[nodiscard]] bool is_prelude() const noexcept { return pieces_.is_prelude(); }
    /// Moves ready() to the prelude.
    void set_aside();
    /// The comments that came before the first event.
    [[nodiscard]] const std::string& prelude() const noexcept { return pieces_.prelude(); }
    [[nodiscard]] const openai::SseScanner& scanner() const noexcept { return pieces_.scanner(); }

private:
    [[nodiscard]] Failure ended_early() const;

    upstream::Exchange& exchange_;
    const Redaction& redaction_;
    openai::EventPieces pieces_;
    std::size_t buffer_bytes_;
    bool has_seen_all_ = false;
};

}  // namespace sluicegate::gateway
