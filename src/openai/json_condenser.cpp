#include "openai/json_condenser.hpp"

#include <algorithm>

namespace sluicegate::openai {

void JsonCondenser::feed(std::string_view bytes) {
    // The next quote and the next backslash. They are remembered because a picture is megabytes
    // without either.
    std::size_t quote = 0;
    std::size_t backslash = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        const bool is_skipping = is_in_string_ && !is_escaped_ &&
                                 (hidden_from_ > 0 || string_bytes_ >= string_bytes_max);
        if (is_skipping) {
            if (quote < at || quote == 0) quote = std::min(bytes.find('"', at), bytes.size());
            if (backslash < at || backslash == 0) {
                backslash = std::min(bytes.find('\\', at), bytes.size());
            }
            at = std::min(quote, backslash);
            if (at == bytes.size()) return;
        }
        take(bytes[at]);
    }
}

void JsonCondenser::take(char c) {
    if (is_in_string_) {
        take_in_string(c);
        return;
    }
    const bool is_hidden = hidden_from_ > 0;
    switch (c) {
        case '"':
            is_in_string_ = true;
            string_bytes_ = 0;
            break;
        case '{':
        case '[':
            ++depth_;
            if (!is_hidden) {
                keep(c);
                if (c == '[' || depth_ > kept_levels) hidden_from_ = depth_;
            }
            return;
        case '}':
        case ']':
            if (hidden_from_ == depth_) hidden_from_ = 0;
            if (depth_ > 0) --depth_;
            break;
        default: break;
    }
    if (hidden_from_ == 0) keep(c);
}

void JsonCondenser::take_in_string(char c) {
    const bool is_hidden = hidden_from_ > 0;
    if (is_escaped_) {
        is_escaped_ = false;
        if (is_escape_kept_) keep(c);
        return;
    }
    if (c == '"') {
        is_in_string_ = false;
        if (!is_hidden) keep(c);
        return;
    }
    const bool is_kept = !is_hidden && string_bytes_ < string_bytes_max;
    ++string_bytes_;
    if (c == '\\') {
        is_escaped_ = true;
        is_escape_kept_ = is_kept;
    }
    if (is_kept) keep(c);
}

}  // namespace sluicegate::openai
