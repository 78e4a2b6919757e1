#include "sluicegate/openai/whole_json.hpp"

#include "openai/json_index.hpp"

#include <string>

namespace sluicegate::openai {

bool is_whole_json(std::string_view text) {
    const auto starts = index_tokens(text);
    if (!starts || starts->empty()) return false;
    std::string open;  // the brackets that are open, innermost last
    for (std::size_t i = 0; i < starts->size(); ++i) {
        const char token = text[(*starts)[i]];
        if (token == '{' || token == '[') {
            open += token;
        } else if (token == '}' || token == ']') {
            if (open.empty() || open.back() != (token == '}' ? '{' : '[')) return false;
            open.pop_back();
        }
        if (open.empty()) return i + 1 == starts->size() && (token == '}' || token == ']');
    }
    return false;
}

}  // namespace sluicegate::openai
