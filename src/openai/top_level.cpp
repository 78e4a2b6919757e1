#include "openai/top_level.hpp"

#include "sluicegate/openai/answer_facts.hpp"

#include "openai/json_text.hpp"
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
        } else if (key == "prompt_filter_results") {
            found.has_filter_results = is_truthy(value);
        } else if (spells(key, "response")) {
            found.response = object_or_nothing(value);
        } else if (key == "message") {
            found.message = object_or_nothing(value);
        } else if (key == "usage") {
            found.usage = object_or_nothing(value);
            const std::size_t from = previous_end > 0 ? previous_end : begin;
            found.usage_member = {from, end - from};
            usage_is_first = previous_end == 0;
        }
        previous_end = end;
    } while (scanner.take(','));
    const bool is_closed = scanner.take('}');
    scanner.skip_space();
    found.is_whole = is_closed && scanner.rest().empty();
    return found;
}

}  // namespace sluicegate::openai
