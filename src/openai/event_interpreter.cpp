#include "openai/event_interpreter.hpp"

#include "openai/delta_text.hpp"
#include "openai/json_text.hpp"
#include "openai/text_scanner.hpp"
#include "openai/usage_object.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluicegate::openai {
namespace {

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

/// The event has a `usage` that is an object.
bool has_usage_object(std::string_view data) noexcept {
    std::size_t at = 0;
    while ((at = find_member_value(data, R"("usage")", at)) < data.size()) {
        if (data[at] == '{') return true;
    }
    return false;
}

bool has_error_word(std::string_view text) noexcept {
    constexpr std::string_view words[] = {"rror",     "RROR",         "fail",        "FAIL",
                                          "xception", R"("message")", R"("detail")", R"("code")"};
    return std::ranges::any_of(words, [text](auto word) { return contains(text, word); });
}

bool has_failed_response(std::string_view response) noexcept {
    bool has_failed = false;
    for_each_member(response, [&](const TextMember& member) {
        has_failed = has_failed || (member.key == "error" && is_truthy(member.value));
    });
    return has_failed;
}

/// The base64 of a piece of audio is no text.
bool adds_text(std::string_view type) noexcept {
    return type.ends_with(".delta") && !type.ends_with("audio.delta");
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

}  // namespace

EventName event_name_from(std::string_view text) noexcept {
    if (text.empty()) return EventName::none;
    if (text == "error") return EventName::error;
    return is_terminal(text) ? EventName::terminal : EventName::other;
}

bool is_usual_event_name(std::string_view text) noexcept {
    constexpr std::string_view beginnings[] = {"response.", "transcript.", "speech.",
                                               "image_",    "message_",    "content_block_"};
    const bool is_plain = std::ranges::all_of(
        text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '.'; });
    return is_plain && std::ranges::any_of(beginnings, [text](std::string_view beginning) {
               return text.starts_with(beginning);
           });
}

EventCut EventInterpreter::read(EventName name, std::string_view data) {
    if (name == EventName::none) {
        const std::string_view text = shape_.match(data);
        if (text.data() != nullptr) {
            may_tell_error = false;
            if (!text.empty()) ++output_deltas;
            output_bytes += static_cast<std::int64_t>(text.size());
            return {};
        }
    }
    const TopLevel found = read_members(name, data);
    const DeltaText text = text_of(data, found);
    output_deltas += text.pieces;
    output_bytes += text.bytes;
    note_error(name, data, found, text.pieces);
    const bool has_reason = read_reason(data, found);
    const bool is_plain =
        is_chat() && name == EventName::none && !found.is_object && text.pieces == 1 && !has_reason;
    if (is_plain) shape_.remember(data, text.first);
    return cut_of(found);
}

void EventInterpreter::read_long(EventName name, std::string_view start, std::string_view outline) {
    // The outline cuts long ids.
    if (endpoint_ == Endpoint::responses) {
        for_each_member(start, [&](const TextMember& member) {
            if (spells(member.key, "response")) keep_ids(member.value);
        });
    }
    const TopLevel found = read_members(name, outline);
    // Only the start of the text was kept, so only that is counted.
    const DeltaText text = text_of(start, found);
    output_deltas += text.pieces;
    output_bytes += text.bytes;
    note_error(name, start, found, 0);
    read_reason(is_chat() ? start : outline, found);
}

/// Scans the object if the event can matter.
TopLevel EventInterpreter::read_members(EventName name, std::string_view data) {
    if (name == EventName::error) error_seen = true;
    const bool can_matter = !is_chat() || has_usage_object(data) || contains(data, R"("error")") ||
                            contains(data, R"("sequence_number")");
    if (!can_matter) return {};
    TopLevel found = scan_top_level(data);
    if (found.has_error || found.type == "error") error_seen = true;
    if (found.sequence_number) last_sequence_number = *found.sequence_number;
    if (name == EventName::terminal || is_terminal(found.type)) ++terminals;
    read_usage_of(found);
    read_ids_of(found);
    return found;
}

/// An event of another kind than generated text may tell an error in any shape. Where events have
/// types, the types tell; beside choices, one of these words does.
void EventInterpreter::note_error(EventName name, std::string_view data, const TopLevel& found,
                                  std::int64_t pieces) noexcept {
    if (name == EventName::error || found.has_error) {
        may_tell_error = true;
    } else if (!is_chat() && !found.type.empty()) {
        may_tell_error = has_error_word(found.type) || contains(found.type, "incomplete") ||
                         has_failed_response(found.response);
    } else if (pieces > 0) {
        may_tell_error = contains(data, R"("error")");
    } else {
        may_tell_error =
            !data.starts_with('{') || !contains(data, R"("choices")") || has_error_word(data);
    }
}

/// Of the first event that has them: response.created, or a later one.
void EventInterpreter::read_ids_of(const TopLevel& found) {
    if (endpoint_ == Endpoint::responses && !found.response.empty()) keep_ids(found.response);
}

void EventInterpreter::keep_ids(std::string_view response) {
    if (!response_id.empty() && !conversation_id.empty()) return;
    ResponseIds ids = response_ids_in(response);
    if (response_id.empty()) response_id = std::move(ids.response);
    if (conversation_id.empty()) conversation_id = std::move(ids.conversation);
}

void EventInterpreter::read_usage_of(const TopLevel& found) {
    std::optional<Usage> reported = read_usage(found.usage);
    for (const std::string_view object : {found.response, found.message}) {
        for_each_member(object, [&](const TextMember& member) {
            if (member.key == "usage" && !reported) reported = read_usage(member.value);
        });
    }
    if (!reported) return;
    if (usage &&
        (found.type == "image_generation.completed" || found.type == "image_edit.completed")) {
        usage = sum(*usage, *reported);
    } else if (usage && found.type == "message_delta") {
        usage = later(*usage, *reported);
    } else {
        usage = reported;
    }
}

DeltaText EventInterpreter::text_of(std::string_view data, const TopLevel& found) const noexcept {
    DeltaText text;
    if (endpoint_ == Endpoint::chat_completions) {
        // Each event has one of these. The search for content also finds reasoning_content.
        for (const std::string_view key : {R"(content")", R"(arguments")", R"("reasoning")"}) {
            text = text_of_members(data, key);
            if (text.pieces > 0) break;
        }
    } else if (endpoint_ == Endpoint::completions) {
        text = text_of_members(data, R"("text")");
    } else if (!found.delta.empty() && adds_text(found.type)) {
        text = {.pieces = 1, .bytes = decoded_bytes(found.delta), .first = found.delta};
    }
    return text;
}

bool EventInterpreter::read_reason(std::string_view data, const TopLevel& found) {
    std::string_view reason;
    if (is_chat()) {
        reason = reason_word(first_text(data, R"("finish_reason")"));
    } else if (!found.response.empty() && is_terminal(found.type)) {
        std::string_view status;
        std::string_view details;
        for_each_member(found.response, [&](const TextMember& member) {
            if (member.key == "status") status = string_text(member.value);
            if (member.key == "incomplete_details") details = member.value;
        });
        reason = response_reason(status, details);
    }
    if (!reason.empty()) finish_reason = reason;
    return !reason.empty();
}

EventCut EventInterpreter::cut_of(const TopLevel& found) const noexcept {
    // Nothing is cut out of an object that is not whole.
    if (found.usage.empty() || !found.is_whole) return {};
    const bool holds_only_usage =
        found.has_empty_choices && !found.has_filter_results && !found.has_error;
    if (wanted_.usage_event && holds_only_usage) return {.is_whole = true, .part = {}};
    if (wanted_.usage_members && !holds_only_usage) {
        return {.is_whole = false, .part = found.usage_member};
    }
    return {};
}

}  // namespace sluicegate::openai
