#include "openai/top_level.hpp"

#include "openai/json_text.hpp"

#include <algorithm>
#include <cstring>

namespace sluicegate::openai {
namespace {

class Scanner {
public:
    explicit Scanner(std::string_view text) noexcept : rest_(text) {}

    void skip_space() noexcept {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    }

    bool take(char wanted) noexcept {
        skip_space();
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    /// The text between the quotes; empty, with nothing left, when the string is cut off.
    std::string_view take_string() noexcept {
        skip_space();
        if (!rest_.starts_with('"')) {
            rest_ = {};
            return {};
        }
        const std::string_view from = rest_.substr(1);
        std::size_t end = 0;
        while (true) {
            end = from.find('"', end);
            if (end == std::string_view::npos) {
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

    /// The bytes of one value, as far as they are there.
    std::string_view take_value() noexcept {
        skip_space();
        const std::string_view from = rest_;
        std::size_t depth = 0;
        while (!rest_.empty()) {
            const char c = rest_.front();
            if (c == '"') {
                take_string();
            } else if (c == '{' || c == '[') {
                ++depth;
                rest_.remove_prefix(1);
            } else if (depth > 0 && (c == '}' || c == ']')) {
                --depth;
                rest_.remove_prefix(1);
            } else if (depth == 0 && (c == ',' || c == '}')) {
                break;
            } else {
                const std::size_t end = rest_.find_first_of("\"{}[],", 1);
                rest_.remove_prefix(std::min(end, rest_.size()));
            }
        }
        const std::string_view value = from.substr(0, from.size() - rest_.size());
        return value.substr(0, value.find_last_not_of(" \t\r\n") + 1);
    }

private:
    std::string_view rest_;
};

bool is_truthy(std::string_view value) noexcept {
    return !value.empty() && value != "null" && value != "false" && value != "0" && value != "\"\"";
}

}  // namespace

TopLevel scan_top_level(std::string_view json) noexcept {
    TopLevel found;
    Scanner scanner(json);
    if (!scanner.take('{')) return found;
    do {
        const std::string_view key = scanner.take_string();
        if (!scanner.take(':')) break;
        const std::string_view value = scanner.take_value();
        if (key == "error") {
            found.has_error = is_truthy(value);
        } else if (key == "sequence_number") {
            found.sequence_number = integer_from(value);
        } else if (key == "type" && value.size() >= 2 && value.front() == '"') {
            found.type = value.substr(1, value.size() - 2);
        }
    } while (scanner.take(','));
    return found;
}

}  // namespace sluicegate::openai
