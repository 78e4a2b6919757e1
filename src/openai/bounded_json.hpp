#pragma once
/// Parses JSON from outside to nlohmann values. The depth is checked first: nlohmann has no bound,
/// and recursion over a deep value could exhaust the stack.

#include "openai/json_cursor.hpp"
#include "openai/json_index.hpp"

#include <string_view>

namespace sluicegate::openai {

/// Returns a `discarded` value for text that is not JSON, is more than json_depth_max deep, or is
/// longer than `bytes_max`. Never throws.
template <class Json>
[[nodiscard]] Json parse_bounded(std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) return Json(Json::value_t::discarded);
    const auto starts = index_tokens(text);
    if (!starts) return Json(Json::value_t::discarded);
    JsonCursor cursor(text, *starts);
    cursor.take_value();
    cursor.take_end();
    if (cursor.failed()) return Json(Json::value_t::discarded);
    return Json::parse(text.begin(), text.end(), nullptr, false);
}

}  // namespace sluicegate::openai
