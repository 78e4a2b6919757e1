#include "sluicegate/openai/event_pieces.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sluicegate::openai {
namespace {

constexpr std::size_t prelude_bytes_max = 4 * 1024;

}  // namespace

EventPieces::EventPieces(SseScanner scanner, const Redaction& redaction, std::size_t buffer_bytes)
    : scanner_(std::move(scanner)), redaction_(redaction), buffer_bytes_(buffer_bytes) {
}

void EventPieces::take(std::string_view held, bool is_complete) {
    const std::size_t completed_bytes = scanner_.complete_prefix(held.substr(scanned_bytes_));
    taken_bytes_ = completed_bytes > 0 ? scanned_bytes_ + completed_bytes : 0;
    scanned_bytes_ = held.size();

    const bool is_finished = scanner_.finished() || scanner_.error_seen();
    // After [DONE] nothing follows that a client reads: the end goes out with it, even if the
    // upstream leaves its connection open.
    const bool is_done =
        scanner_.done_seen() && scanner_.is_between_events() && !scanner_.awaits_line_feed();
    is_last_ = is_complete ? is_finished : is_done;
    const bool is_too_long = completed_bytes == 0 && scanned_bytes_ >= buffer_bytes_;
    if (is_last_ || is_too_long) taken_bytes_ = scanned_bytes_;

    const bool continues_event = !ends_event_;
    ends_event_ = taken_bytes_ < scanned_bytes_ || scanner_.is_between_events();
    ready_ = held.substr(0, taken_bytes_);
    if (!scanner_.cuts().empty()) cut_out(ready_);
    if (!ends_event_) scanner_.let_pass();
    const bool may_tell_error = scanner_.may_tell_error() || scanner_.error_seen();
    if (continues_event || !ends_event_ || may_tell_error) clean(is_too_long && !is_last_);
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
        spliced_ += piece.substr(kept_from, at - kept_from);
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
    return scanner_.events() == 0 && ends_event_ && !is_last_;
}

void EventPieces::set_aside() {
    if (prelude_.size() < prelude_bytes_max) prelude_ += ready_;
}

}  // namespace sluicegate::openai
