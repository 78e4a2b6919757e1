#include "openai/top_level.hpp"

#include "sluicegate/openai/answer_facts.hpp"

#include "openai/json_text.hpp"
#include "openai/member_names.hpp"
#include "openai/text_scanner.hpp"

namespace sluicegate::openai {
namespace {

bool is_empty_array(std::string_view value) noexcept {
    return value.size() >= 2 && value.front() == '[' &&
           value.find_first_not_of(" \t\r\n", 1) == value.size() - 1;
}

std::string_view object_or_nothing(std::string_view value) noexcept {
    return is_object(value) ? value : std::string_view();
}

std::string kept_id(std::string_view raw) {
    std::string id =
        has_escape(raw) && has_valid_escapes(raw) ? decode_string(raw) : std::string(raw);
    if (id.size() > kept_id_bytes_max) id.clear();
    return id;
}

/// The id in a `conversation`: a text, or an object with one.
std::string conversation_id_of(std::string_view value) {
    if (!value.starts_with('{')) return kept_id(string_text(value));
    std::string id;
    for_each_member(value, [&](const TextMember& member) {
        if (spells(member.key, "id")) id = kept_id(string_text(member.value));
    });
    return id;
}

/// FNV-1a, as one of 64 bits.
std::uint64_t bit_of(std::string_view key) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return std::uint64_t{1} << (hash >> 58U);
}

/// Members that stand in every chunk, and those that mean nothing.
bool is_of_every_chunk(std::string_view key) noexcept {
    return key == "id" || key == "object" || key == "created" || key == "model" ||
           key == "obfuscation";
}

std::string_view usage_in(std::string_view object) noexcept {
    std::string_view usage;
    for_each_member(object, [&](const TextMember& member) {
        if (member.key == "usage") usage = object_or_nothing(member.value);
    });
    return usage;
}

/// A member without a meaning of its own.
void read_other(TopLevel& found, std::string_view key, std::string_view value) {
    if (key == "object" && value == R"("error")") found.has_error = true;
    if (is_of_every_chunk(key) || !is_truthy(value)) return;
    if (is_named(key, "error")) {
        found.has_error = true;
        return;
    }
    found.extras |= bit_of(key);
    if (!holds_words(value)) return;
    if (is_of_answer(key)) return;
    found.has_unknown = true;
    found.tells_error = found.tells_error || names_error(key);
    if (is_object(value) && found.some_usage.empty()) found.some_usage = usage_in(value);
}

}  // namespace

bool is_truthy(std::string_view value) noexcept {
    return !value.empty() && value != "null" && value != "false" && value != "0" && value != "\"\"";
}

void read_id_member(std::string_view raw_key, std::string_view value, ResponseIds& into) {
    if (spells(raw_key, "id")) {
        into.response = kept_id(string_text(value));
    } else if (spells(raw_key, "conversation")) {
        into.conversation = conversation_id_of(value);
    }
}

ResponseIds response_ids_in(std::string_view response) {
    ResponseIds ids;
    for_each_member(
        response, [&](const TextMember& member) { read_id_member(member.key, member.value, ids); });
    return ids;
}

TopLevel scan_top_level(std::string_view json) {
    TopLevel found;
    TextScanner scanner(json);
    if (!scanner.take('{')) return found;
    found.is_object = true;
    const auto offset = [&] { return json.size() - scanner.rest().size(); };
    std::size_t previous_end = 0;  // of the value before the current member; 0 before the first
    bool usage_is_first = false;
    do {
        scanner.skip_space();
        const std::size_t begin = offset();
        if (usage_is_first) {
            // The first member is removed with the comma after it.
            found.usage_member.size = begin - found.usage_member.offset;
            usage_is_first = false;
        }
        const std::string_view key = scanner.take_string();
        if (!scanner.take(':')) break;
        const std::string_view value = scanner.take_value();
        const auto end = static_cast<std::size_t>(value.data() + value.size() - json.data());
        if (key == "error") {
            found.has_error = is_truthy(value);
        } else if (key == "sequence_number") {
            found.sequence_number = integer_from(value);
        } else if (key == "type") {
            found.type = string_text(value);
        } else if (key == "delta") {
            found.delta = string_text(value);
        } else if (key == "choices") {
            found.has_empty_choices = is_empty_array(value);
            found.choices = value;
            found.choices_range = {end - value.size(), value.size()};
        } else if (key == "prompt_filter_results") {
            found.has_filter_results = is_truthy(value);
        } else if (spells(key, "response")) {
            found.response = object_or_nothing(value);
        } else if (key == "message") {
            found.message = object_or_nothing(value);
            if (found.message.empty()) read_other(found, key, value);
        } else if (key == "usage") {
            found.usage = object_or_nothing(value);
            const std::size_t from = previous_end > 0 ? previous_end : begin;
            found.usage_member = {from, end - from};
            usage_is_first = previous_end == 0;
        } else {
            read_other(found, key, value);
        }
        previous_end = end;
    } while (scanner.take(','));
    if (!found.choices.empty() && !found.has_empty_choices) found.tells_error = false;
    const bool is_closed = scanner.take('}');
    scanner.skip_space();
    found.is_whole = is_closed && scanner.rest().empty();
    return found;
}

}  // namespace sluicegate::openai
