#include "sluicegate/openai/sse_scanner.hpp"

#include "openai/delta_text.hpp"
#include "openai/text_scanner.hpp"
#include "openai/top_level.hpp"
#include "openai/usage_object.hpp"

#include <algorithm>
#include <cstring>

namespace sluicegate::openai {
namespace {

constexpr std::size_t kept_bytes_max = 64 * 1024;
constexpr std::size_t legacy_error_bytes_max = 4 * 1024;

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

/// A `usage` that is not null stands somewhere in the event.
bool has_usage_object(std::string_view data) noexcept {
    std::size_t at = 0;
    while ((at = find_member_value(data, "\"usage\"", at)) < data.size()) {
        if (data[at] == '{') return true;
    }
    return false;
}

Usage sum(const Usage& a, const Usage& b) noexcept {
    const auto plus = [](std::int64_t x, std::int64_t y) { return std::min(x + y, usage_max); };
    return {.input = plus(a.input, b.input),
            .output = plus(a.output, b.output),
            .total = plus(a.total, b.total),
            .cached_input = plus(a.cached_input, b.cached_input),
            .cache_write = plus(a.cache_write, b.cache_write),
            .reasoning = plus(a.reasoning, b.reasoning),
            .audio_ms = plus(a.audio_ms, b.audio_ms)};
}

/// Anthropic's message_delta counts from the start of the message and may leave the input out.
Usage later(const Usage& first, const Usage& last) noexcept {
    Usage out = last.input > 0 ? last : first;
    out.output = last.output;
    out.reasoning = last.reasoning;
    out.total = std::min(out.input + out.output, usage_max);
    return out;
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
    cuts_.clear();
    LineFinder lines(bytes);
    const std::uint64_t base = stream_bytes_;
    std::size_t complete = 0;
    std::size_t position = 0;
    while (position < bytes.size()) {
        if (after_carriage_return_) {
            // The second half of a CRLF: part of the line that its CR has ended.
            after_carriage_return_ = false;
            if (bytes[position] == '\n') {
                ++position;
                if (after_blank_line_) {
                    complete = position;
                    if (is_cut_whole_) cut(base + position - 1, base + position);
                }
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
        const std::uint64_t line_offset = base + position - line_size_;
        position = end + 1;
        after_carriage_return_ = bytes[end] == '\r';
        stream_bytes_ = base + position;
        if (line_size_ == 0) {
            end_line(piece, line_offset);
        } else {
            add_to_line(piece);
            end_line(line_, line_offset);
            line_.clear();
            line_size_ = 0;
        }
        if (after_blank_line_) complete = position;
    }
    stream_bytes_ = base + bytes.size();
    return complete;
}

void SseScanner::add_to_line(std::string_view bytes) {
    line_.append(bytes.substr(0, kept_bytes_max - line_.size()));
    line_size_ += bytes.size();
}

void SseScanner::end_line(std::string_view line, std::uint64_t offset) {
    if (line.empty()) {
        end_event();
        after_blank_line_ = true;
        return;
    }
    if (!event_begun_) event_offset_ = offset;
    event_begun_ = true;
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
        take_data(value, offset + line.size() - value.size());
    } else if (field == "event") {
        name_ = name_from(value);
    } else if (field == "error" && !value.empty()) {
        legacy_error_ = value.substr(0, legacy_error_bytes_max);
        event_has_legacy_error_ = true;
    }
}

void SseScanner::take_data(std::string_view data, std::uint64_t offset) {
    if (has_data_ && data_.size() < kept_bytes_max) data_ += '\n';
    has_data_ = true;
    segments_.push_back({data_.size(), offset});
    data_.append(data.substr(0, kept_bytes_max - data_.size()));
}

void SseScanner::end_event() {
    is_cut_whole_ = false;
    if (has_data_) ++events_;
    if (name_ == Name::error) error_seen_ = true;
    if (name_ == Name::terminal && has_data_) terminal_seen_ = true;
    if (data_ == "[DONE]") {
        done_seen_ = true;
    } else if (has_data_) {
        read_json();
    }
    if (event_has_legacy_error_ && !has_data_) cut_event();
    data_.clear();
    segments_.clear();
    has_data_ = false;
    name_ = Name::none;
    event_begun_ = false;
    event_has_legacy_error_ = false;
    is_passed_ = false;
}

void SseScanner::read_json() {
    const bool is_chat =
        endpoint_ == Endpoint::chat_completions || endpoint_ == Endpoint::completions;
    TopLevel found;
    const bool has_usage = has_usage_object(data_);
    const bool is_parsed = has_usage || contains(data_, "\"error\"") ||
                           contains(data_, "\"sequence_number\"") ||
                           (!is_chat && name_ == Name::none && contains(data_, "\"type\""));
    if (is_parsed) {
        found = scan_top_level(data_);
        if (found.has_error || found.type == "error") error_seen_ = true;
        if (found.sequence_number) last_sequence_number_ = *found.sequence_number;
        if (is_terminal(found.type)) terminal_seen_ = true;
        if (has_usage) read_usage_of(found);
    }
    read_text();
}

/// Usage wherever the event has it, and what of it must not reach the client.
void SseScanner::read_usage_of(const TopLevel& found) {
    std::optional<Usage> usage = read_usage(found.usage);
    const auto read_nested = [&](std::string_view object) {
        for_each_member(object, [&](const TextMember& member) {
            if (member.key == "usage" && !usage) usage = read_usage(member.value);
        });
    };
    read_nested(found.response);
    read_nested(found.message);
    if (usage) add_usage(*usage, found.type);

    if (found.usage.empty()) return;
    const bool holds_only_usage =
        found.has_empty_choices && !found.has_filter_results && !found.has_error;
    if (wanted_.usage_event && holds_only_usage) {
        cut_event();
    } else if (wanted_.usage_members) {
        const ByteRange member = found.usage_member;
        cut(stream_offset(member.offset), stream_offset(member.offset + member.size - 1) + 1);
    }
}

void SseScanner::add_usage(const Usage& usage, std::string_view type) {
    if (!usage_) {
        usage_ = usage;
    } else if (type == "image_generation.completed" || type == "image_edit.completed") {
        usage_ = sum(*usage_, usage);
    } else if (type == "message_delta") {
        usage_ = later(*usage_, usage);
    } else {
        usage_ = usage;
    }
}

void SseScanner::read_text() {
    DeltaText text;
    switch (endpoint_) {
        case Endpoint::chat_completions:
            text = text_of_members(data_, "content\"");
            if (text.pieces == 0) text = text_of_members(data_, "arguments\"");
            if (text.pieces == 0) text = text_of_members(data_, "reasoning\"");
            break;
        case Endpoint::completions: text = text_of_members(data_, "text\""); break;
        default:
            if (contains(data_, ".delta\"")) text = text_of_members(data_, "\"delta\"");
            break;
    }
    output_deltas_ += text.pieces;
    output_bytes_ += text.bytes;
    const std::string_view reason = reason_word(first_text(data_, "\"finish_reason\""));
    if (!reason.empty()) finish_reason_ = reason;
}

std::uint64_t SseScanner::stream_offset(std::size_t data_offset) const noexcept {
    std::size_t i = segments_.size() - 1;
    while (i > 0 && segments_[i].data_offset > data_offset) --i;
    return segments_[i].stream_offset + (data_offset - segments_[i].data_offset);
}

void SseScanner::cut_event() {
    if (is_passed_) return;
    is_cut_whole_ = true;
    cut(event_offset_, stream_bytes_);
}

void SseScanner::cut(std::uint64_t begin, std::uint64_t end) {
    if (!is_passed_) cuts_.push_back({begin, end - begin});
}

bool SseScanner::finished() const noexcept {
    if (done_seen_) return true;
    return endpoint_ != Endpoint::chat_completions && endpoint_ != Endpoint::completions &&
           terminal_seen_;
}

}  // namespace sluicegate::openai
