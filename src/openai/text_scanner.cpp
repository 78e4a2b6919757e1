#include "openai/text_scanner.hpp"

#include "openai/byte_search.hpp"

#include <array>

namespace sluicegate::openai {
namespace {

constexpr std::array<bool, 256> marks = [] {
    std::array<bool, 256> table{};
    for (const char c : std::string_view("\",{}[]")) table[static_cast<unsigned char>(c)] = true;
    return table;
}();

bool is_mark(char c) noexcept {
    return marks[static_cast<unsigned char>(c)];
}

}  // namespace

std::string_view TextScanner::take_string() noexcept {
    skip_space();
    if (!rest_.starts_with('"')) {
        rest_ = {};
        return {};
    }
    const std::string_view from = rest_.substr(1);
    std::size_t end = 0;
    while (true) {
        end += find_byte(from.substr(end), '"');
        if (end == from.size()) {
            rest_ = {};
            return {};
        }
        std::size_t backslashes = 0;
        while (backslashes < end && from[end - 1 - backslashes] == '\\') ++backslashes;
        if (backslashes % 2 == 0) break;
        ++end;
    }
    rest_ = from.substr(end + 1);
    return from.substr(0, end);
}

std::string_view TextScanner::take_value() noexcept {
    skip_space();
    const std::string_view from = rest_;
    std::size_t depth = 0;
    do {
        const char c = rest_.empty() ? '\0' : rest_.front();
        if (c == '"') {
            take_string();
        } else if (c == '{' || c == '[') {
            ++depth;
            rest_.remove_prefix(1);
        } else if (depth > 0 && (c == '}' || c == ']')) {
            --depth;
            rest_.remove_prefix(1);
        } else if (depth > 0 && c == ',') {
            rest_.remove_prefix(1);
        } else {
            // A scalar, or inside an object a colon or white space: it ends before the next of
            // these bytes.
            std::size_t end = 0;
            while (end < rest_.size() && !is_mark(rest_[end])) ++end;
            rest_.remove_prefix(end);
        }
    } while (depth > 0 && !rest_.empty());
    const std::string_view value = from.substr(0, from.size() - rest_.size());
    return without_space_behind(value);
}

std::string_view string_text(std::string_view value) noexcept {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return {};
    return value.substr(1, value.size() - 2);
}

bool is_object(std::string_view value) noexcept {
    return value.size() >= 2 && value.front() == '{' && value.back() == '}';
}

}  // namespace sluicegate::openai
