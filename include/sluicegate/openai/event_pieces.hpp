#pragma once
/// Divides a stream of server-sent events into the pieces that a client gets.
///
/// Pieces   whole events, as soon as they are whole, without the bytes that are to be cut. Half an
///          event is of no use to a client; while it is held back, an error event can still be
///          written. An event longer than the buffer leaves in parts.
/// Prelude  comments, and events that carry no output (a role), are no answer yet. The owner sets
///          them aside, so that another upstream can still be asked.
/// Bytes    the prelude and the pieces together are the stream without its cuts, and without
///          secrets in events that may tell an error and in those that leave in parts. Only a
///          prelude of more than 4 KiB of comments loses something: whole comments at its end.
/// End      blank lines that are missing there are added; so is [DONE], where it is written in a
///          way that the SDKs do not read, and where that is wanted. Nothing leaves behind it.
/// Memory   the prelude (64 KiB and one piece) and a copy of a piece from which something was cut.
/// Threads  one stream, one owner.
/// Source   docs/streaming.md; docs/decisions/0005-whole-events.md

#include "sluicegate/base/redaction.hpp"
#include "sluicegate/openai/sse_scanner.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::openai {

class EventPieces {
public:
    struct Options {
        std::size_t buffer_bytes = 0;
        bool adds_done = false;  ///< a complete stream of choices that has no [DONE] gets one
    };

    /// `redaction` must outlive it.
    EventPieces(SseScanner scanner, const Redaction& redaction, const Options& options);

    /// Makes the next piece. `held` are all bytes that were received and not consumed: those of the
    /// last call, then the new ones. `is_complete`: the stream has ended with them.
    void take(std::string_view held, bool is_complete);

    /// The piece, without its cuts; may be empty. Valid until `held` changes.
    [[nodiscard]] std::string_view ready() const noexcept { return ready_; }
    /// The piece has been passed on or set aside. Returns how many of the held bytes it stood for;
    /// the owner removes them from `held`.
    [[nodiscard]] std::size_t consume() noexcept;
    /// ready() ends with the end of an event.
    [[nodiscard]] bool ends_event() const noexcept { return ends_event_; }
    /// The stream is complete with ready(), as it said itself: nothing follows that a client reads.
    [[nodiscard]] bool is_last() const noexcept { return is_last_; }

    /// Until now the stream has carried no output. False as soon as a piece holds some, or the
    /// beginning of an event whose end has not come.
    [[nodiscard]] bool is_prelude() const noexcept;
    /// Adds ready() to the prelude.
    void set_aside();
    [[nodiscard]] const std::string& prelude() const noexcept { return prelude_; }

    [[nodiscard]] const SseScanner& scanner() const noexcept { return scanner_; }

private:
    void cut_out(std::string_view piece);
    void clean(bool is_divided);
    void add_end(std::string_view missing);

    SseScanner scanner_;
    const Redaction& redaction_;
    std::size_t buffer_bytes_;
    bool adds_done_;
    std::size_t scanned_bytes_ = 0;  ///< of `held`: what the scanner has seen
    std::size_t taken_bytes_ = 0;    ///< of `held`: what ready() stands for
    std::string_view ready_;
    std::string spliced_;  ///< ready(), where something was cut out
    std::string clean_;    ///< ready(), where a secret was looked for
    std::string prelude_;
    bool ends_event_ = true;
    bool is_last_ = false;
};

}  // namespace sluicegate::openai
