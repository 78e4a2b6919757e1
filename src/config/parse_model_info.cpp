/// `info:` of a model is for clients, and sluicegate does not know its names: whatever YAML says
/// becomes JSON.

#include "sluicegate/base/json_text.hpp"

#include "config/sections.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::size_t info_bytes_max = 4096;
constexpr std::size_t info_depth_max = 8;
constexpr std::size_t info_name_bytes_max = 64;
constexpr Range<std::int64_t> created_range{0, 253'402'300'799};

/// What sluicegate says itself.
constexpr std::array<std::string_view, 3> own_names{"id", "object", "owned_by"};

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool take_digits(std::string_view& text) noexcept {
    const auto* const end = std::find_if_not(text.begin(), text.end(), is_digit);
    const bool has_any = end != text.begin();
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    return has_any;
}

/// RFC 8259, 6.
bool is_json_number(std::string_view text) noexcept {
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool has_leading_zero = text.size() > 1 && text[0] == '0' && is_digit(text[1]);
    if (has_leading_zero || !take_digits(text)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    return text.empty();
}

bool is_info_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= info_name_bytes_max &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
                      c == '-' || c == '.';
           });
}

void append_value(Context& context, const Value& at, std::size_t depth, std::string& out);

void append_scalar(Context& context, const Value& at, std::string& out) {
    const auto text = read_text(context, at);
    if (!text) return;
    const bool is_word = text->text == "true" || text->text == "false";
    if (!text->is_quoted && (is_word || is_json_number(text->text))) {
        out += text->text;
    } else {
        append_json_string(out, text->text);
    }
}

/// `"name":value`, separated by commas.
void append_members(Context& context, const Value& at, std::size_t depth, std::string& out) {
    bool is_first = true;
    for (const NamedEntry& entry : named_entries(context, at)) {
        if (!is_info_name(entry.name)) {
            context.problems.add(*entry.key, entry.value.path,
                                 "must be a name of 1 … " + std::to_string(info_name_bytes_max) +
                                     " letters, digits, '_', '-' and '.'");
            continue;
        }
        if (!is_first) out += ',';
        is_first = false;
        append_json_string(out, entry.name);
        out += ':';
        append_value(context, entry.value, depth, out);
    }
}

void append_value(Context& context, const Value& at, std::size_t depth, std::string& out) {
    if (depth > info_depth_max) {
        add_problem(context, at,
                    "lies more than " + std::to_string(info_depth_max) + " levels deep");
        return;
    }
    switch (at.node->kind) {
        case Node::Kind::null: out += "null"; break;
        case Node::Kind::scalar: append_scalar(context, at, out); break;
        case Node::Kind::list: {
            out += '[';
            for (std::size_t i = 0; i < at.node->items.size(); ++i) {
                if (i > 0) out += ',';
                const Value item{&at.node->items[i], at.path + '[' + std::to_string(i) + ']'};
                append_value(context, item, depth + 1, out);
            }
            out += ']';
            break;
        }
        case Node::Kind::map:
            out += '{';
            append_members(context, at, depth + 1, out);
            out += '}';
            break;
    }
}

}  // namespace

ModelInfo parse_model_info(Context& context, const Value& at) {
    ModelInfo info;
    for (const NamedEntry& entry : named_entries(context, at)) {
        if (std::ranges::find(own_names, entry.name) != own_names.end()) {
            context.problems.add(*entry.key, entry.value.path, "is what sluicegate says itself");
            continue;
        }
        if (!is_info_name(entry.name)) {
            context.problems.add(*entry.key, entry.value.path,
                                 "must be a name of 1 … " + std::to_string(info_name_bytes_max) +
                                     " letters, digits, '_', '-' and '.'");
            continue;
        }
        if (entry.name == "created") {
            info.created = read_count(context, entry.value, created_range);
            continue;
        }
        info.members += ',';
        append_json_string(info.members, entry.name);
        info.members += ':';
        append_value(context, entry.value, 1, info.members);
    }
    if (info.members.size() > info_bytes_max) {
        add_problem(context, at,
                    "may have at most " + std::to_string(info_bytes_max) + " bytes as JSON, got " +
                        std::to_string(info.members.size()));
    }
    return info;
}

}  // namespace sluicegate::config
