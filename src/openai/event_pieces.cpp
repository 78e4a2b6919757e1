#include "sluicegate/openai/event_pieces.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sluicegate::openai {
namespace {

constexpr std::size_t prelude_bytes_max = 4 * 1024;
/// Events that carry no output are few and short; with more of them the stream has begun.
constexpr std::size_t held_events_bytes_max = 64 * 1024;
constexpr std::string_view done_event = "data: [DONE]\n\n";

}  // namespace

EventPieces::EventPieces(SseScanner scanner, const Redaction& redaction, const Options& options)
    : scanner_(std::move(scanner)),
      redaction_(redaction),
      buffer_bytes_(options.buffer_bytes),
      adds_done_(options.adds_done) {
}

void EventPieces::take(std::string_view held, bool is_complete) {
    const std::size_t completed_bytes = scanner_.complete_prefix(held.substr(scanned_bytes_));
    taken_bytes_ = completed_bytes > 0 ? scanned_bytes_ + completed_bytes : 0;
    scanned_bytes_ = held.size();
    // What stands behind the last event that these bytes hold is not for the client.
    if (scanner_.finished()) held = held.substr(0, taken_bytes_);

    std::string_view missing;
    if (is_complete && !scanner_.is_between_events()) {
        missing = scanner_.end_of_stream();
    }
    const bool is_finished =
        scanner_.finished() || scanner_.error_seen() || scanner_.has_all_reasons();
    // The last event of a stream that breaks off is not to be trusted.
    if (!is_finished) missing = {};
    // After its last event nothing follows that a client reads: the end goes out with it, even if
    // the upstream leaves its connection open.
    const bool is_at_end =
        scanner_.finished() && scanner_.is_between_events() && !scanner_.awaits_line_feed();
    is_last_ = is_complete ? is_finished : is_at_end;
    const bool is_full = completed_bytes == 0 && scanned_bytes_ >= buffer_bytes_;
    const bool is_too_long = is_full && !is_complete;
    const bool continues_event = !ends_event_;
    // What is left of an event that never ended is of no use.
    const bool is_last_whole = is_last_ && (continues_event || scanner_.is_between_events());
    if (is_last_whole || is_too_long) taken_bytes_ = scanned_bytes_;

    ends_event_ = is_last_ || taken_bytes_ < scanned_bytes_ || scanner_.is_between_events();
    ready_ = held.substr(0, taken_bytes_);
    if (!scanner_.cuts().empty()) cut_out(ready_);
    add_end(missing);
    if (!ends_event_) scanner_.let_pass();
    const bool may_tell_error = scanner_.may_tell_error() || scanner_.error_seen();
    if (continues_event || !ends_event_ || may_tell_error) clean(is_too_long && !is_last_);
}

/// What the upstream left out of the end of its stream.
void EventPieces::add_end(std::string_view missing) {
    const bool is_complete = is_last_ && !scanner_.error_seen();
    const bool lacks_done = scanner_.is_done_cut() || (adds_done_ && !scanner_.done_seen());
    const bool adds_done = is_complete && lacks_done && scanner_.has_done();
    if (missing.empty() && !adds_done) return;
    std::string whole(ready_);
    whole += missing;
    if (adds_done) whole += done_event;
    spliced_ = std::move(whole);
    ready_ = spliced_;
}

/// What an event tells is not known yet when it leaves in parts. What may be the beginning of a
/// secret stays for the next part.
void EventPieces::clean(bool is_divided) {
    if (is_divided) {
        const std::size_t certain_min = ready_.size() - std::min(ready_.size(), buffer_bytes_ / 2);
        std::string part;
        taken_bytes_ = redaction_.clean_part(ready_, certain_min, part);
        clean_ = std::move(part);
    } else {
        clean_ = redaction_.cleaned(ready_);
    }
    ready_ = clean_;
}

void EventPieces::cut_out(std::string_view piece) {
    const std::uint64_t start = scanner_.stream_bytes() - scanned_bytes_;
    std::size_t kept_from = 0;
    spliced_.clear();
    for (const Cut& cut : scanner_.cuts()) {
        const auto at = static_cast<std::size_t>(cut.offset - start);
        // Of a last event that does not go out.
        if (at >= piece.size()) break;
        spliced_ += piece.substr(kept_from, at - kept_from);
        spliced_ += cut.replacement;
        kept_from = at + static_cast<std::size_t>(cut.size);
    }
    spliced_ += piece.substr(kept_from);
    ready_ = spliced_;
}

std::size_t EventPieces::consume() noexcept {
    const std::size_t consumed = taken_bytes_;
    scanned_bytes_ -= taken_bytes_;
    taken_bytes_ = 0;
    ready_ = {};
    return consumed;
}

bool EventPieces::is_prelude() const noexcept {
    return !scanner_.has_output() && !scanner_.error_seen() && ends_event_ && !is_last_ &&
           prelude_.size() < held_events_bytes_max;
}

void EventPieces::set_aside() {
    if (scanner_.events() > 0 || prelude_.size() < prelude_bytes_max) prelude_ += ready_;
}

}  // namespace sluicegate::openai
