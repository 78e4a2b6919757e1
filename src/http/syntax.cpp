#include "sluicegate/http/syntax.hpp"

#include "http/octets.hpp"

#include <algorithm>

namespace sluicegate::http {

bool is_token(std::string_view text) noexcept {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return is(c, token_octet); });
}

bool is_field_value(std::string_view text) noexcept {
    if (text.empty()) return true;
    if (is_white_space(text.front()) || is_white_space(text.back())) return false;
    return find_control(text, 0) == text.size();
}

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (lower(left[i]) != lower(right[i])) return false;
    }
    return true;
}

}  // namespace sluicegate::http
