#include "sluicegate/openai/sse_scanner.hpp"

#include "openai/top_level.hpp"

#include <algorithm>
#include <cstring>

namespace sluicegate::openai {
namespace {

constexpr std::size_t kept_bytes_max = 64 * 1024;

bool contains(std::string_view text, std::string_view wanted) noexcept {
    return memmem(text.data(), text.size(), wanted.data(), wanted.size()) != nullptr;
}

bool is_terminal(std::string_view type) noexcept {
    constexpr std::string_view types[] = {
        "response.completed",   "response.failed",   "response.incomplete",
        "transcript.text.done", "speech.audio.done", "image_generation.completed",
        "image_edit.completed",
    };
    return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

/// Finds the ends of lines, whichever of the two bytes they are made of. Most streams hold no CR:
/// then one search says so for the whole piece, and only LF is looked for line by line.
class LineFinder {
public:
    explicit LineFinder(std::string_view bytes) noexcept : bytes_(bytes), cr_(bytes.find('\r')) {}

    /// Position of the first CR or LF at or after `from`, or npos. `from` never goes back.
    std::size_t next(std::size_t from) noexcept {
        if (cr_ < from) cr_ = bytes_.find('\r', from);
        // With a CR ahead, an LF beyond it is of no interest.
        const std::size_t lf = bytes_.substr(0, cr_).find('\n', from);
        return std::min(cr_, lf);
    }

private:
    std::string_view bytes_;
    std::size_t cr_;
};

}  // namespace

SseScanner::Name SseScanner::name_from(std::string_view text) noexcept {
    if (text.empty()) return Name::none;
    if (text == "error") return Name::error;
    return is_terminal(text) ? Name::terminal : Name::other;
}

std::size_t SseScanner::complete_prefix(std::string_view bytes) {
    LineFinder lines(bytes);
    std::size_t complete = 0;
    std::size_t position = 0;
    while (position < bytes.size()) {
        if (after_carriage_return_) {
            // The second half of a CRLF: part of the line that its CR has ended.
            after_carriage_return_ = false;
            if (bytes[position] == '\n') {
                ++position;
                if (after_blank_line_) complete = position;
                continue;
            }
        }
        after_blank_line_ = false;
        const std::size_t end = lines.next(position);
        if (end == std::string_view::npos) {
            add_to_line(bytes.substr(position));
            break;
        }
        const std::string_view piece = bytes.substr(position, end - position);
        if (line_size_ == 0) {
            end_line(piece);
        } else {
            add_to_line(piece);
            end_line(line_);
            line_.clear();
            line_size_ = 0;
        }
        position = end + 1;
        after_carriage_return_ = bytes[end] == '\r';
        if (after_blank_line_) complete = position;
    }
    return complete;
}

void SseScanner::add_to_line(std::string_view bytes) {
    line_.append(bytes.substr(0, kept_bytes_max - line_.size()));
    line_size_ += bytes.size();
}

void SseScanner::end_line(std::string_view line) {
    if (line.empty()) {
        end_event();
        after_blank_line_ = true;
        return;
    }
    event_begun_ = true;
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
        take_data(value);
    } else if (field == "event") {
        name_ = name_from(value);
    } else if (field == "error" && !value.empty()) {
        legacy_error_seen_ = true;
    }
}

void SseScanner::take_data(std::string_view data) {
    if (has_data_ && data_.size() < kept_bytes_max) data_ += '\n';
    has_data_ = true;
    data_.append(data.substr(0, kept_bytes_max - data_.size()));
}

void SseScanner::end_event() {
    if (name_ == Name::error) error_seen_ = true;
    if (name_ == Name::terminal && has_data_) terminal_seen_ = true;
    if (data_ == "[DONE]") {
        done_seen_ = true;
    } else if (contains(data_, "\"error\"") || contains(data_, "\"sequence_number\"") ||
               (name_ == Name::none && contains(data_, "\"type\""))) {
        const TopLevel found = scan_top_level(data_);
        if (found.has_error || found.type == "error") error_seen_ = true;
        if (found.sequence_number) last_sequence_number_ = *found.sequence_number;
        if (is_terminal(found.type)) terminal_seen_ = true;
    }
    data_.clear();
    has_data_ = false;
    name_ = Name::none;
    event_begun_ = false;
}

bool SseScanner::finished(Endpoint endpoint) const noexcept {
    if (done_seen_) return true;
    return endpoint != Endpoint::chat_completions && endpoint != Endpoint::completions &&
           terminal_seen_;
}

}  // namespace sluicegate::openai
