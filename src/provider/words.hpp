#pragma once
/// Looking for words in what upstreams say.

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

namespace sluicegate::provider {

inline std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    return out;
}

inline bool holds_any(std::string_view text, std::initializer_list<std::string_view> parts) {
    return std::ranges::any_of(
        parts, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

}  // namespace sluicegate::provider
