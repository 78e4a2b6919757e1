#include "sluicegate/openai/sse_scanner.hpp"

#include "openai/byte_search.hpp"
#include "openai/event_interpreter.hpp"
#include "openai/json_condenser.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

constexpr std::size_t kept_bytes_max = 64 * 1024;
constexpr std::size_t legacy_error_bytes_max = 4 * 1024;
constexpr std::string_view done_data = "[DONE]";
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
/// Lines of data in one event; nothing is cut out of events with more.
constexpr std::size_t segments_max = 64;
/// Lines to be cut in one event; nothing is cut out of events with more.
constexpr std::size_t line_cuts_max = 64;

/// Finds the ends of lines, CR or LF. Most streams have no CR: one search per piece shows that, and
/// then only LF is searched for.
class LineFinder {
public:
    explicit LineFinder(std::string_view bytes) noexcept : bytes_(bytes), cr_(bytes.find('\r')) {}

    /// Position of the first CR or LF at or after `from`, or npos. `from` never goes back.
    std::size_t next(std::size_t from) noexcept {
        if (cr_ < from) cr_ = bytes_.find('\r', from);
        // An LF after the next CR does not matter yet.
        const std::size_t lf = bytes_.substr(0, cr_).find('\n', from);
        return std::min(cr_, lf);
    }

private:
    std::string_view bytes_;
    std::size_t cr_;
};

/// [DONE], whatever white space an upstream puts around it.
bool is_done(std::string_view data) noexcept {
    constexpr std::size_t bytes_max = 64;
    if (data.size() < done_data.size() || data.size() > bytes_max) return false;
    while (!data.empty() && (is_json_space(data.front()))) data.remove_prefix(1);
    return without_space_behind(data) == done_data;
}

bool is_of_images(Endpoint endpoint) noexcept {
    return endpoint == Endpoint::images_generations || endpoint == Endpoint::images_edits;
}

}  // namespace

struct SseScanner::Reading {
    EventInterpreter reader;
    JsonCondenser condenser;  // of an event that is too long to be kept
    EventName name = EventName::none;
};

SseScanner::SseScanner(Endpoint endpoint, StreamCuts wanted, std::int64_t answers)
    : endpoint_(endpoint),
      terminals_needed_(is_of_images(endpoint) ? answers : 1),
      reading_(
          new Reading{.reader = EventInterpreter(endpoint, wanted, answers), .condenser = {}}) {
}
SseScanner::~SseScanner() = default;
SseScanner::SseScanner(SseScanner&&) noexcept = default;
SseScanner& SseScanner::operator=(SseScanner&&) noexcept = default;

std::size_t SseScanner::complete_prefix(std::string_view bytes) {
    cuts_.clear();
    may_tell_error_ = false;
    LineFinder lines(bytes);
    const std::uint64_t base = stream_bytes_;
    std::size_t complete = 0;
    std::size_t position = 0;
    while (position < bytes.size()) {
        if (after_carriage_return_) {
            // The LF of a CRLF belongs to the line that its CR has ended.
            after_carriage_return_ = false;
            has_crlf_ = bytes[position] == '\n';
            if (has_crlf_) {
                ++position;
                if (after_blank_line_) {
                    complete = position;
                    if (is_cut_whole_) cut(base + position - 1, base + position);
                }
                continue;
            }
        }
        // Clients read nothing behind the last event.
        if (finished()) break;
        after_blank_line_ = false;
        const std::size_t end = lines.next(position);
        if (line_size_ == 0) begin_line(base + position);
        if (end == std::string_view::npos) {
            add_to_line(bytes.substr(position));
            break;
        }
        const std::string_view piece = bytes.substr(position, end - position);
        position = end + 1;
        after_carriage_return_ = bytes[end] == '\r';
        stream_bytes_ = base + position;
        if (line_size_ == 0) {
            end_line(piece);
        } else {
            add_to_line(piece);
            if (!is_data_line_) end_line(line_);
            line_.clear();
            line_size_ = 0;
            is_data_line_ = false;
        }
        if (after_blank_line_) complete = position;
    }
    stream_bytes_ = base + bytes.size();
    return complete;
}

/// A line that is to be cut ends, with its line end, where the next begins.
void SseScanner::begin_line(std::uint64_t offset) {
    if (is_line_cut_ && !is_passed_) {
        if (line_cuts_.size() == line_cuts_max) {
            give_up_cuts();
        } else {
            line_cuts_.push_back({line_offset_, offset - line_offset_});
        }
    }
    is_line_cut_ = false;
    line_offset_ = offset;
}

void SseScanner::add_to_line(std::string_view bytes) {
    line_size_ += bytes.size();
    if (is_data_line_) {
        add_to_data(bytes);
        return;
    }
    const std::size_t room = kept_bytes_max - line_.size();
    line_.append(bytes.substr(0, room));
    if (bytes.size() <= room || !line_.starts_with("data:")) return;
    // Too long to keep: the rest of its data is taken as it comes.
    is_data_line_ = true;
    end_line(line_);
    add_to_data(bytes.substr(room));
}

void SseScanner::end_line(std::string_view line) {
    if (line.empty()) {
        end_event();
        after_blank_line_ = true;
        return;
    }
    if (!event_begun_) event_offset_ = line_offset_;
    event_begun_ = true;
    const std::size_t mark_size =
        line_offset_ == 0 && line.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    line.remove_prefix(mark_size);
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
        begin_data(line_offset_ + mark_size + (line.size() - value.size()));
        add_to_data(value);
    } else if (field == "event") {
        reading_->name = event_name_from(value);
        has_name_ = true;
        has_other_line_ = has_other_line_ || !is_usual_event_name(value);
    } else if (field == "id" || field == "retry") {
        is_line_cut_ = true;
    } else if (field == "error" && !value.empty()) {
        legacy_error_ = value.substr(0, legacy_error_bytes_max);
        has_legacy_error_ = true;
    } else {
        has_other_line_ = true;
    }
    // The SDKs would take it for a part of the field's name. A line that is cut takes it along.
    if (mark_size > 0 && !is_line_cut_) line_cuts_.push_back({0, mark_size});
}

/// Begins another line of data. `offset`: where its value stands in the stream.
void SseScanner::begin_data(std::uint64_t offset) {
    if (has_data_) add_to_data("\n");
    has_data_ = true;
    if (segments_.size() < segments_max) {
        segments_.push_back({data_.size(), offset});
    } else {
        give_up_cuts();
    }
}

void SseScanner::add_to_data(std::string_view bytes) {
    const std::size_t room = kept_bytes_max - data_.size();
    if (bytes.size() > room && !is_long_) {
        is_long_ = true;
        reading_->condenser.feed(data_);
    }
    if (is_long_) reading_->condenser.feed(bytes);
    data_.append(bytes.substr(0, room));
}

void SseScanner::end_event() {
    EventInterpreter& reader = reading_->reader;
    is_cut_whole_ = false;
    if (has_data_) ++events_;
    if (is_long_) {
        reader.read_long(reading_->name, data_, reading_->condenser.outline());
        reading_->condenser.clear();
    } else if (is_done(data_)) {
        done_seen_ = true;
        if (data_ != done_data) {
            is_done_cut_ = true;
            cut_from_event({.is_whole = true});
        }
    } else if (has_data_) {
        cut_from_event(reader.read(reading_->name, data_));
    } else if (has_legacy_error_ || (has_name_ && reading_->name != EventName::error)) {
        cut_from_event({.is_whole = true});
    }
    cut_lines();
    if (reading_->name == EventName::error) reader.error_seen = true;
    const bool has_read = has_data_ && !is_done(data_);
    may_tell_error_ = may_tell_error_ || has_other_line_ || reader.error_seen ||
                      (has_read && reader.may_tell_error);
    data_.clear();
    segments_.clear();
    reading_->name = EventName::none;
    has_data_ = false;
    is_long_ = false;
    event_begun_ = false;
    has_legacy_error_ = false;
    has_name_ = false;
    has_other_line_ = false;
    is_passed_ = false;
}

void SseScanner::let_pass() noexcept {
    if (event_begun_ || line_size_ > 0) give_up_cuts();
}

/// Nothing is cut out of the event that has begun.
void SseScanner::give_up_cuts() noexcept {
    is_passed_ = true;
    line_cuts_.clear();
}

/// Adds the cuts of the event's `id:` and `retry:` lines, unless the whole event is cut or has
/// begun to pass.
void SseScanner::cut_lines() {
    if (line_cuts_.empty()) return;
    if (!is_passed_ && !is_cut_whole_) {
        cuts_.insert(cuts_.end(), line_cuts_.begin(), line_cuts_.end());
        std::ranges::sort(cuts_, {}, &Cut::offset);
        // A member that is cut may go over such a line.
        std::uint64_t end = 0;
        std::erase_if(cuts_, [&end](const Cut& cut) {
            const bool is_inside = cut.offset < end;
            if (!is_inside) end = cut.offset + cut.size;
            return is_inside;
        });
    }
    line_cuts_.clear();
}

void SseScanner::cut_from_event(const EventCut& wanted) {
    if (is_passed_) return;
    if (wanted.is_whole) {
        is_cut_whole_ = true;
        cut(event_offset_, stream_bytes_);
    } else if (wanted.part.size > 0) {
        const std::size_t last = wanted.part.offset + wanted.part.size - 1;
        cut(stream_offset(wanted.part.offset), stream_offset(last) + 1);
        if (wanted.replaced.size == 0) return;
        const std::size_t last_replaced = wanted.replaced.offset + wanted.replaced.size - 1;
        cut(stream_offset(wanted.replaced.offset), stream_offset(last_replaced) + 1,
            wanted.replacement);
        std::ranges::sort(cuts_, {}, &Cut::offset);
    }
}

void SseScanner::cut(std::uint64_t begin, std::uint64_t end, std::string_view replacement) {
    cuts_.push_back({begin, end - begin, replacement});
}

bool SseScanner::is_whole_event() const {
    return has_data_ && !is_long_ && (is_done(data_) || scan_top_level(data_).is_whole);
}

std::string_view SseScanner::end_of_stream() {
    if (is_between_events()) return {};
    const bool is_line_open = line_size_ > 0;
    // An LF behind a CR would be part of the same line end.
    const bool needs_line_end = is_line_open || after_carriage_return_;
    if (is_line_open) {
        if (!is_data_line_) end_line(line_);
        line_.clear();
        line_size_ = 0;
        is_data_line_ = false;
    }
    if (!is_whole_event()) return {};
    end_event();
    if (is_cut_whole_) return {};
    return needs_line_end ? "\n\n" : "\n";
}

bool SseScanner::ends_with_done() const noexcept {
    constexpr std::string_view field = "data:";
    if (line_size_ == 0) return has_data_ && is_done(data_);
    const std::string_view line = line_;
    return !has_data_ && !is_data_line_ && line.starts_with(field) &&
           is_done(line.substr(field.size()));
}

bool SseScanner::has_output() const noexcept {
    return reading_->reader.has_output;
}

bool SseScanner::has_all_reasons() const noexcept {
    return reading_->reader.has_all_reasons() && !legacy_error_seen();
}

/// The offset in the stream of a byte of the event's data.
std::uint64_t SseScanner::stream_offset(std::size_t data_offset) const noexcept {
    std::size_t i = segments_.size() - 1;
    while (i > 0 && segments_[i].data_offset > data_offset) --i;
    return segments_[i].stream_offset + (data_offset - segments_[i].data_offset);
}

bool SseScanner::finished() const noexcept {
    if (done_seen_) return true;
    return endpoint_ != Endpoint::chat_completions && endpoint_ != Endpoint::completions &&
           reading_->reader.terminals >= terminals_needed_;
}

bool SseScanner::error_seen() const noexcept {
    return reading_->reader.error_seen;
}

std::int64_t SseScanner::last_sequence_number() const noexcept {
    return reading_->reader.last_sequence_number;
}

const std::optional<Usage>& SseScanner::usage() const noexcept {
    return reading_->reader.usage;
}

std::int64_t SseScanner::output_deltas() const noexcept {
    return reading_->reader.output_deltas;
}

std::int64_t SseScanner::output_bytes() const noexcept {
    return reading_->reader.output_bytes;
}

std::string_view SseScanner::finish_reason() const noexcept {
    return reading_->reader.finish_reason;
}

std::string_view SseScanner::response_id() const noexcept {
    return reading_->reader.response_id;
}

std::string_view SseScanner::conversation_id() const noexcept {
    return reading_->reader.conversation_id;
}

std::size_t SseScanner::memory_bytes() const noexcept {
    return sizeof(Reading) + reading_->reader.memory_bytes() + reading_->condenser.memory_bytes() +
           line_.capacity() + data_.capacity() + legacy_error_.capacity() +
           segments_.capacity() * sizeof(Segment) + line_cuts_.capacity() * sizeof(Cut);
}

}  // namespace sluicegate::openai
