#include "openai/event_interpreter.hpp"

#include "sluicegate/openai/plausible_usage.hpp"

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

/// Endpoints whose answers are one list, never a stream: an event of theirs is the whole answer.
bool answers_at_once(Endpoint endpoint) noexcept {
    return endpoint == Endpoint::embeddings || endpoint == Endpoint::rerank ||
           endpoint == Endpoint::moderations;
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

/// A choice that adds nothing.
constexpr std::string_view no_delta = R"([{"index":0,"delta":{},"finish_reason":null}])";
constexpr std::string_view no_text =
    R"([{"index":0,"text":"","logprobs":null,"finish_reason":null}])";

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
    const TopLevel found = scan_top_level(data);
    const ChoicesOfEvent choices = read_choices(found.choices);
    read_members(name, found);
    note_error(name, data, found, choices);
    // What follows from here is all that a plain piece of text is not.
    const bool is_plain = is_chat() && name == EventName::none && choices.count == 1 &&
                          choices.text.pieces == 1 && !choices.has_reason && !may_tell_error &&
                          found.usage.empty() && !found.sequence_number;
    if (is_plain) shape_.remember(data, choices.text.first);
    const EventCut cut = cut_of(found, choices);
    extras_seen_ |= found.extras;
    return cut;
}

void EventInterpreter::read_long(EventName name, std::string_view start, std::string_view outline) {
    // The outline cuts long ids.
    if (endpoint_ == Endpoint::responses) {
        for_each_member(start, [&](const TextMember& member) {
            if (spells(member.key, "response")) keep_ids(member.value);
        });
    }
    has_output = true;
    // Only the start of the text was kept, so only that is counted.
    const ChoicesOfEvent choices = read_choices(scan_top_level(start).choices);
    const TopLevel found = scan_top_level(outline);
    read_members(name, found);
    note_error(name, start, found, choices);
}

EventInterpreter::ChoicesOfEvent EventInterpreter::read_choices(std::string_view list) {
    ChoicesOfEvent all;
    for_each_choice(list, [&](const ChoiceFacts& choice) {
        ++all.count;
        if (all.text.pieces == 0) all.text.first = choice.text.first;
        all.text.pieces += choice.text.pieces;
        all.text.bytes += choice.text.bytes;
        all.has_error = all.has_error || choice.has_error;
        all.has_unknown = all.has_unknown || choice.has_unknown;
        has_output = has_output || choice.has_output;
        if (!choice.finish_reason.empty()) {
            all.has_reason = true;
            choices_.finish(choice.index);
            const std::string_view word = reason_word(choice.finish_reason);
            if (!word.empty()) finish_reason = word;
        }
        if (const auto reported = read_usage(choice.usage)) {
            note_usage(choices_.report(choice.index, *reported));
        }
    });
    if (all.has_error) error_seen = true;
    note_text(all.text);
    return all;
}

void EventInterpreter::note_text(const DeltaText& text) noexcept {
    output_deltas += text.pieces;
    output_bytes += text.bytes;
}

void EventInterpreter::read_members(EventName name, const TopLevel& found) {
    const bool has_kind = !found.type.empty() || name == EventName::terminal;
    const bool tells_error = found.tells_error && !has_kind && found.usage.empty();
    if (name == EventName::error || found.has_error || found.type == "error" || tells_error) {
        error_seen = true;
    }
    if (found.sequence_number) last_sequence_number = *found.sequence_number;
    if (!found.usage.empty() || !found.some_usage.empty() || has_kind) read_usage_of(found);
    if (is_chat()) return;
    const bool is_whole_answer = answers_at_once(endpoint_) && found.is_whole;
    if (name == EventName::terminal || is_terminal(found.type) || is_whole_answer) ++terminals;
    has_output = is_whole_answer || has_output ||
                 (has_kind && found.type != "error" && found.type != "ping");
    if (!found.delta.empty() && adds_text(found.type)) {
        note_text({.pieces = 1, .bytes = decoded_bytes(found.delta), .first = found.delta});
    }
    read_reason_of_response(found);
    read_ids_of(found);
}

/// An event of another kind than generated text may tell an error in any shape; then it has words
/// in a member that answers do not have. Where events have types, the types tell as well.
void EventInterpreter::note_error(EventName name, std::string_view data, const TopLevel& found,
                                  const ChoicesOfEvent& choices) {
    if (name == EventName::error || found.has_error || choices.has_error || found.has_unknown ||
        choices.has_unknown || !found.is_whole) {
        may_tell_error = true;
    } else if (!found.type.empty()) {
        may_tell_error = has_error_word(found.type) || contains(found.type, "incomplete") ||
                         has_failed_response(found.response);
    } else {
        // Streams of the API have no event without choices.
        may_tell_error = choices.count == 0 && (found.choices.empty() || has_error_word(data));
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
    if (!reported) reported = read_usage(found.some_usage);
    for (const std::string_view object : {found.response, found.message}) {
        for_each_member(object, [&](const TextMember& member) {
            if (member.key == "usage" && !reported) reported = read_usage(member.value);
        });
    }
    if (!reported) return;
    if (usage &&
        (found.type == "image_generation.completed" || found.type == "image_edit.completed")) {
        usage = sum(*usage, *reported);
    } else {
        note_usage(*reported);
    }
}

/// Counts grow. A later report that is smaller is not true, and one may leave parts out.
void EventInterpreter::note_usage(const Usage& reported) {
    usage = usage ? larger_parts(*usage, reported) : reported;
}

void EventInterpreter::read_reason_of_response(const TopLevel& found) {
    if (found.response.empty() || !is_terminal(found.type)) return;
    std::string_view status;
    std::string_view details;
    for_each_member(found.response, [&](const TextMember& member) {
        if (member.key == "status") status = string_text(member.value);
        if (member.key == "incomplete_details") details = member.value;
    });
    const std::string_view reason = response_reason(status, details);
    if (!reason.empty()) finish_reason = reason;
}

EventCut EventInterpreter::cut_of(const TopLevel& found, const ChoicesOfEvent& choices) {
    // Nothing is cut out of an object that is not whole.
    if (found.usage.empty() || !found.is_whole) return {};
    const bool holds_only_usage =
        found.has_empty_choices && !found.has_filter_results && !found.has_error;
    if (wanted_.usage_event && holds_only_usage) {
        const bool has_more = (found.extras & ~extras_seen_) != 0;
        if (!has_more) return {.is_whole = true};
        // A client that did not ask for such an event reads choices[0] of every chunk.
        return {.is_whole = false,
                .part = found.usage_member,
                .replaced = found.choices_range,
                .replacement = endpoint_ == Endpoint::completions ? no_text : no_delta};
    }
    const bool is_progress = !choices.has_reason && !has_all_reasons();
    const bool is_unwanted = wanted_.usage_members || (wanted_.progress_members && is_progress);
    if (!is_unwanted || holds_only_usage) return {};
    return {.is_whole = false, .part = found.usage_member};
}

}  // namespace sluicegate::openai
