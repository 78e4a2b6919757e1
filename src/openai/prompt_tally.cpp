#include "openai/prompt_tally.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

bool is_base64_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=' || c == '-' || c == '_';
}

/// Judged by samples: text in any language has spaces or punctuation at shorter distances.
bool is_base64(std::string_view text) noexcept {
    constexpr std::size_t sample_bytes = 96;
    for (const std::size_t from : {std::size_t{0}, text.size() / 2, text.size() - sample_bytes}) {
        const std::string_view sample = text.substr(from, sample_bytes);
        if (!std::all_of(sample.begin(), sample.end(), is_base64_char)) return false;
    }
    return true;
}

bool is_data_url(std::string_view text) noexcept {
    constexpr std::size_t media_type_bytes_max = 128;
    return text.starts_with("data:") &&
           text.substr(0, media_type_bytes_max).find(";base64,") != std::string_view::npos;
}

}  // namespace

void PromptTally::reference(std::string_view raw, char value, char inside) {
    // In a schema such a name stands before an object, and elsewhere before an id or a list of ids.
    const bool is_text = value == '"';
    const bool is_list = value == '[' && inside != ']';
    if (!is_text && !is_list) return;
    const auto found = FieldNames::own().find_key(raw);
    if (!found || found->number < number_of(Field::file_id) ||
        found->number > number_of(Field::container_id)) {
        return;
    }
    if (is_text || found->number != number_of(Field::container)) references_[found->number] = true;
}

bool PromptTally::take_media(std::string_view text) noexcept {
    const bool is_long = text.size() >= long_text_bytes;
    const bool is_media = (awaits_image_ && (text.starts_with("http") || is_data_url(text))) ||
                          (is_long && (is_data_url(text) || is_base64(text)));
    // A longer text after the key means that the key belongs to something else.
    constexpr std::size_t detail_bytes_max = 16;
    if (is_media || text.size() > detail_bytes_max) awaits_image_ = false;
    if (is_media) ++size_.media_parts;
    return is_media;
}

}  // namespace sluicegate::openai
