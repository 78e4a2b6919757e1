#pragma once
/// Whether a text is a complete JSON document, and not the beginning of one, two of them, or HTML.

#include <string_view>

namespace sluicegate::openai {

/// One object or array whose strings and brackets all end, valid UTF-8, nothing but white space
/// around it. Commas, colons and numbers are not looked at: the text is passed on as it is, and
/// what matters is that none of it is missing.
/// Threads  any; each keeps memory for the largest text so far, bounded as in inspect_request.hpp.
[[nodiscard]] bool is_whole_json(std::string_view text);

}  // namespace sluicegate::openai
