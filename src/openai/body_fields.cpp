#include "sluicegate/openai/body_fields.hpp"

#include "openai/json_text.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace sluicegate::openai {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, own_fields> own_names{"model",
                                                             "stream",
                                                             "stream_options",
                                                             "stream_format",
                                                             "max_tokens",
                                                             "max_completion_tokens",
                                                             "max_output_tokens",
                                                             "n",
                                                             "best_of",
                                                             "prompt",
                                                             "messages",
                                                             "input",
                                                             "tools",
                                                             "previous_response_id",
                                                             "conversation",
                                                             "background",
                                                             "service_tier",
                                                             "encoding_format",
                                                             "dimensions",
                                                             "file_id",
                                                             "file_ids",
                                                             "vector_store_ids",
                                                             "vector_store_id",
                                                             "container",
                                                             "container_id",
                                                             "background",
                                                             "service_tier"};
constexpr std::size_t first_without_name = number_of(Field::running_in_background);

/// Names of the API that mean nothing to the gateway: finding them saves folding them.
constexpr std::string_view usual_names[] = {"temperature",
                                            "top_p",
                                            "stop",
                                            "seed",
                                            "user",
                                            "metadata",
                                            "store",
                                            "logprobs",
                                            "top_logprobs",
                                            "logit_bias",
                                            "presence_penalty",
                                            "frequency_penalty",
                                            "response_format",
                                            "tool_choice",
                                            "parallel_tool_calls",
                                            "reasoning",
                                            "reasoning_effort",
                                            "instructions",
                                            "include",
                                            "text",
                                            "truncation",
                                            "modalities",
                                            "audio",
                                            "prediction",
                                            "functions",
                                            "function_call",
                                            "verbosity",
                                            "prompt_cache_key",
                                            "prompt_cache_retention",
                                            "safety_identifier",
                                            "web_search_options",
                                            "max_tool_calls",
                                            "suffix",
                                            "echo",
                                            "voice",
                                            "speed",
                                            "size",
                                            "quality",
                                            "style",
                                            "output_format",
                                            "top_k",
                                            "min_p",
                                            "repetition_penalty",
                                            "chat_template_kwargs"};

/// The number of the usual names.
constexpr std::size_t of_no_interest = body_fields_max;

/// A longer name is none of ours.
constexpr std::size_t folded_bytes_max = 64;

/// The letter that a parser takes the character at the start of `text` for, and its size. No
/// letter: 0.
struct LookAlike {
    char letter = 0;
    std::size_t size = 1;
};

LookAlike look_alike_at(std::string_view text) noexcept {
    if (text.starts_with("\xC5\xBF")) return {'s', 2};      // U+017F, long s
    if (text.starts_with("\xE2\x84\xAA")) return {'k', 3};  // U+212A, Kelvin
    if (text.starts_with("\xC4\xB0")) return {'i', 2};      // U+0130, I with a dot
    if (text.starts_with("\xC4\xB1")) return {'i', 2};      // U+0131, i without one
    return {};
}

}  // namespace

std::string folded_name(std::string_view name) {
    std::string out;
    for (std::size_t at = 0; at < name.size() && out.size() <= folded_bytes_max;) {
        const char c = name[at];
        if (static_cast<unsigned char>(c) >= 0x80) {
            const LookAlike other = look_alike_at(name.substr(at));
            out += other.letter == 0 ? c : other.letter;
            at += other.size;
            continue;
        }
        if (c >= 'A' && c <= 'Z') {
            out += static_cast<char>(c - 'A' + 'a');
        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            out += c;
        }
        ++at;
    }
    return out;
}

void FieldNames::Table::put(std::string_view name, std::size_t number) {
    if (by_size_.size() <= name.size()) by_size_.resize(name.size() + 1);
    std::vector<Entry>& entries = by_size_[name.size()];
    const auto known = std::ranges::find(entries, name, &Entry::name);
    if (known == entries.end()) {
        entries.push_back({std::string(name), number});
    } else {
        known->number = number;
    }
}

std::size_t FieldNames::Table::find(std::string_view name) const noexcept {
    if (name.empty() || name.size() >= by_size_.size()) return none;
    for (const Entry& entry : by_size_[name.size()]) {
        if (entry.name.front() == name.front() && entry.name == name) return entry.number;
    }
    return none;
}

FieldNames::FieldNames() {
    for (const std::string_view name : usual_names) exact_.put(name, of_no_interest);
    for (std::size_t i = 0; i < own_fields; ++i) {
        names_.emplace_back(own_names[i]);
        if (i >= first_without_name) continue;
        exact_.put(own_names[i], i);
        folded_.put(folded_name(own_names[i]), i);
    }
}

FieldNames::FieldNames(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) add(name);
}

std::optional<std::size_t> FieldNames::add(std::string_view name) {
    const std::string folded = folded_name(name);
    const std::size_t known = folded_.find(folded);
    if (known != Table::none) return known;
    if (names_.size() == body_fields_max) return std::nullopt;
    const std::size_t number = names_.size();
    names_.emplace_back(name);
    for (const std::string_view usual : usual_names) {
        if (folded_name(usual) == folded) exact_.put(usual, Table::none);
    }
    exact_.put(name, number);
    folded_.put(folded, number);
    return number;
}

std::size_t FieldNames::number_of(std::string_view name) const {
    const std::size_t number = folded_.find(folded_name(name));
    assert(number < names_.size());
    return number;
}

std::optional<FieldNames::Found> FieldNames::find_folded(std::string_view name) const {
    std::size_t number = folded_.find(folded_name(name));
    const std::size_t nul = name.find('\0');
    // A parser of C strings reads only what stands before the NUL.
    if (number == Table::none && nul != std::string_view::npos) {
        number = folded_.find(folded_name(name.substr(0, nul)));
    }
    if (number == Table::none) return std::nullopt;
    return Found{.number = number, .is_exact = false};
}

std::optional<FieldNames::Found> FieldNames::find_key(std::string_view raw) const {
    std::size_t number = exact_.find(raw);
    if (number == Table::none) {
        if (!has_escape(raw)) return find_folded(raw);
        const std::string decoded = decode_string(raw);
        number = exact_.find(decoded);
        if (number == Table::none) return find_folded(decoded);
    }
    if (number == of_no_interest) return std::nullopt;
    return Found{.number = number, .is_exact = true};
}

std::optional<FieldNames::Found> FieldNames::find_part(std::string_view name) const {
    const std::size_t number = exact_.find(name);
    if (number == of_no_interest) return std::nullopt;
    if (number != Table::none) return Found{.number = number, .is_exact = true};
    return find_folded(name.substr(0, name.find('[')));
}

FieldSet FieldNames::ids_in_part(std::string_view name) const {
    constexpr std::string_view separators = "[].";
    FieldSet out;
    if (name.substr(0, name.find_first_of(separators)) == "metadata") return out;
    std::size_t at = name.find_first_of(separators);
    while (at != std::string_view::npos) {
        name.remove_prefix(at + 1);
        at = name.find_first_of(separators);
        const auto found = find_folded(name.substr(0, at));
        if (found && found->number >= openai::number_of(Field::file_id) &&
            found->number <= openai::number_of(Field::container_id)) {
            // What describes a new container has names of its own below it.
            const bool is_last = at == std::string_view::npos ||
                                 name.find_first_not_of(separators, at) == std::string_view::npos;
            if (is_last || found->number != openai::number_of(Field::container)) {
                out[found->number] = true;
            }
        }
    }
    return out;
}

const FieldNames& FieldNames::own() {
    static const FieldNames names;
    return names;
}

}  // namespace sluicegate::openai
