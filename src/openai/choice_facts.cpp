#include "openai/choice_facts.hpp"

#include "openai/json_text.hpp"
#include "openai/member_names.hpp"
#include "openai/top_level.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

void add(DeltaText& sum, const DeltaText& text) noexcept {
    if (sum.pieces == 0) sum.first = text.first;
    sum.pieces += text.pieces;
    sum.bytes += text.bytes;
}

/// The text of a string, or of the parts of a list.
DeltaText text_in(std::string_view value) noexcept {
    if (value.starts_with('[')) return text_of_members(value, R"("text")");
    const std::string_view text = string_text(value);
    if (text.empty()) return {};
    return {.pieces = 1, .bytes = std::max<std::int64_t>(decoded_bytes(text), 1), .first = text};
}

void read_message(ChoiceFacts& facts, std::string_view message) {
    DeltaText reasoning;  // under two names, where a server serves old and new clients
    for_each_member(message, [&](const TextMember& member) {
        const std::string_view key = member.key;
        if (key == "role" || member.value == "null") return;
        if (key == "content" || key == "refusal" || key == "thinking") {
            add(facts.text, text_in(member.value));
        } else if (key == "reasoning_content" || key == "reasoning") {
            const DeltaText text = text_in(member.value);
            if (text.pieces > reasoning.pieces) reasoning = text;
        } else if (key == "tool_calls" || key == "function_call") {
            add(facts.text, text_of_members(member.value, R"("arguments")"));
            facts.has_output = facts.has_output || holds_words(member.value);
        } else {
            facts.has_unknown =
                facts.has_unknown || (holds_words(member.value) && !is_of_message(key));
            facts.has_output = facts.has_output || holds_words(member.value);
        }
    });
    add(facts.text, reasoning);
}

}  // namespace

ChoiceFacts read_choice(std::string_view choice, std::int64_t position) {
    ChoiceFacts facts{.index = position};
    for_each_member(choice, [&](const TextMember& member) {
        const std::string_view key = member.key;
        if (key == "index") {
            facts.index = integer_from(member.value).value_or(position);
        } else if (key == "delta" || key == "message") {
            read_message(facts, member.value);
        } else if (key == "finish_reason") {
            facts.finish_reason = string_text(member.value);
        } else if (key == "text") {
            add(facts.text, text_in(member.value));
        } else if (key == "usage") {
            if (is_object(member.value)) facts.usage = member.value;
        } else if (is_named(key, "error")) {
            facts.has_error = is_truthy(member.value);
        } else if (holds_words(member.value) && !is_of_choice(key)) {
            facts.has_unknown = true;
        }
    });
    facts.has_error = facts.has_error || facts.finish_reason == "error";
    facts.has_output = facts.has_output || facts.text.pieces > 0 || !facts.finish_reason.empty();
    return facts;
}

}  // namespace sluicegate::openai
