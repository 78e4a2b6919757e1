#pragma once
/// The upstream's side of an event stream: its events as they become complete, without those that
/// the client did not ask for.
///
/// Whole events, as soon as they are whole: half an event is of no use to a client, and holding it
/// back leaves room for an event of our own should the other half never come. A longer one than
/// `buffer_bytes` goes on in pieces.
///
/// Memory   at most `buffer_bytes` and one read.
/// Threads  one: the worker's.
/// Source   docs/streaming.md; docs/decisions/0005-whole-events.md

#include "sluicegate/openai/sse_scanner.hpp"
#include "sluicegate/upstream/exchange.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::gateway {

class EventReader {
public:
    /// The head of `exchange` is there; it must outlive the reader.
    EventReader(upstream::Exchange& exchange, openai::SseScanner scanner, std::size_t buffer_bytes);

    /// Waits until there is something to pass on, or the stream is over. What ready() held must
    /// have been consumed. Silent once `wake_at` has come first.
    /// Errors: those of Exchange::receive_body(); upstream_closed for a stream that ended before it
    /// was complete; upstream_failed, with its words as the subject, for one that ended with the
    /// bare `error:` line of llama.cpp.
    net::Task<Result<upstream::Arrival>> read(Instant wake_at);

    /// For the client; may be empty.
    [[nodiscard]] std::string_view ready() const noexcept { return ready_; }
    /// What ready() has been passed on.
    void consume() noexcept;
    /// ready() ends with the end of an event.
    [[nodiscard]] bool ends_event() const noexcept { return ends_event_; }
    /// The stream is complete with ready(), as it said itself: nothing follows that a client reads.
    [[nodiscard]] bool is_last() const noexcept { return is_last_; }
    [[nodiscard]] const openai::SseScanner& scanner() const noexcept { return scanner_; }

private:
    void take(std::size_t completed_bytes);
    void cut_out();
    [[nodiscard]] Failure ended_early() const;

    upstream::Exchange& exchange_;
    openai::SseScanner scanner_;
    std::size_t buffer_bytes_;
    std::size_t scanned_bytes_ = 0;  ///< of the exchange's body: what the scanner has seen
    std::size_t taken_bytes_ = 0;    ///< of the exchange's body: what ready() stands for
    std::string_view ready_;
    std::string spliced_;  ///< ready(), where something was cut out
    bool ends_event_ = true;
    bool is_last_ = false;
    bool has_seen_all_ = false;
};

}  // namespace sluicegate::gateway
