#pragma once
/// Reads an event stream from the upstream, piece by piece.
///
/// Memory   at most streams.buffer and one read, and the prelude.
/// Threads  one: the worker's.
/// Source   openai/event_pieces.hpp says what a piece is.

#include "sluicegate/config/streams.hpp"
#include "sluicegate/openai/event_pieces.hpp"
#include "sluicegate/upstream/exchange.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::gateway {

class EventReader {
public:
    /// The head of `exchange` is there. All but the scanner must outlive the reader.
    EventReader(upstream::Exchange& exchange, openai::SseScanner scanner,
                const Redaction& redaction, const config::Streams& streams, const Clock& clock);

    /// Waits until there is something to pass on, or the stream is over. What ready() held must
    /// have been consumed. Silent once `wake_at` has come first.
    ///
    /// A stream that may end (its upstream has told an error, or why every choice ended) is over
    /// when its upstream sends no event for streams.end_grace.
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
    /// The stream is complete with ready(): nothing follows that a client reads.
    [[nodiscard]] bool is_last() const noexcept { return pieces_.is_last(); }

    /// All that a client needs of the stream has come: its last event, or why every choice ended.
    [[nodiscard]] bool has_answer() const noexcept {
        return scanner().finished() || scanner().has_all_reasons();
    }

    /// Until now the upstream has sent no output.
    [[nodiscard]] bool is_prelude() const noexcept { return pieces_.is_prelude(); }
    /// Moves ready() to the prelude.
    void set_aside();
    /// What came before the first event that carries output.
    [[nodiscard]] const std::string& prelude() const noexcept { return pieces_.prelude(); }
    [[nodiscard]] const openai::SseScanner& scanner() const noexcept { return pieces_.scanner(); }

private:
    [[nodiscard]] Failure ended_early() const;
    [[nodiscard]] bool may_end() const noexcept;
    /// What the end of the connection, or silence, means for a stream that may end.
    [[nodiscard]] bool is_over(const Error& error) const noexcept;
    void note_events();
    void end();

    upstream::Exchange& exchange_;
    const Redaction& redaction_;
    openai::EventPieces pieces_;
    const config::Streams& streams_;
    const Clock& clock_;
    Instant end_at_ = Instant::max();  ///< silence until then ends the stream
    std::int64_t events_ = 0;          ///< complete ones when that was set
    bool has_begun_ = false;
    bool has_seen_all_ = false;
};

}  // namespace sluicegate::gateway
