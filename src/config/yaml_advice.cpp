#include "config/yaml_advice.hpp"

#include "sluicegate/base/utf8.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sluicegate::config {
namespace {

struct Place {
    int line = 0;    ///< from 1
    int column = 0;  ///< from 1, in bytes
};

YamlAdvice advice_at(Place place, const std::string& words) {
    return {.line = place.line,
            .message = "not valid YAML, column " + std::to_string(place.column) + ": " + words};
}

std::vector<std::string_view> lines_of_text(std::string_view text) {
    std::vector<std::string_view> lines;
    while (true) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(line);
        if (end == std::string_view::npos) return lines;
        text.remove_prefix(end + 1);
    }
}

/// The number of spaces and tabs before the first word. All of an empty line.
std::size_t blanks_of(std::string_view line) {
    return std::min(line.find_first_not_of(" \t"), line.size());
}

/// True for a line without a value: empty, or only a comment.
bool is_blank(std::string_view line) {
    const std::size_t begin = blanks_of(line);
    return begin == line.size() || line[begin] == '#';
}

/// A tab in the indentation of the line where the parser stopped, or of one beside it.
std::optional<YamlAdvice> find_tab(const std::vector<std::string_view>& lines, int line) {
    for (int at = std::max(1, line - 1); at <= line + 1; ++at) {
        if (static_cast<std::size_t>(at) > lines.size()) break;
        const std::string_view one = lines[static_cast<std::size_t>(at) - 1];
        if (is_blank(one)) continue;
        const std::size_t tab = one.substr(0, blanks_of(one)).find('\t');
        if (tab == std::string_view::npos) continue;
        return advice_at({at, static_cast<int>(tab) + 1},
                         "a tab in the indentation; YAML takes only spaces there");
    }
    return std::nullopt;
}

/// Follows quotes, brackets and comments through the text, roughly as YAML does.
class OpenSigns {
public:
    struct Sign {
        char sign;
        Place place;
    };

    explicit OpenSigns(const std::vector<std::string_view>& lines) {
        for (std::size_t i = 0; i < lines.size(); ++i) read(lines[i], static_cast<int>(i) + 1);
    }

    /// A quote or bracket that is still open at the end of the text.
    [[nodiscard]] std::optional<Sign> still_open() const {
        if (quote_) return quote_;
        if (!brackets_.empty()) return brackets_.front();
        return std::nullopt;
    }
    /// A quote that ends on this line and began on an earlier one.
    [[nodiscard]] std::optional<Sign> long_quote_until(int line) const {
        const auto found = std::ranges::find_if(
            long_quotes_, [line](const LongQuote& one) { return one.last_line == line; });
        if (found == long_quotes_.end()) return std::nullopt;
        return found->begin;
    }

private:
    struct LongQuote {
        Sign begin;
        int last_line;
    };

    void read(std::string_view line, int number) {
        bool may_begin = true;  // a quote begins a value only where a value may begin
        for (std::size_t i = 0; i < line.size(); ++i) {
            const char c = line[i];
            if (quote_) {
                i = read_quoted(line, i, number);
                may_begin = false;
            } else if (c == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
                return;
            } else if ((c == '"' || c == '\'') && may_begin) {
                quote_ = Sign{c, {number, static_cast<int>(i) + 1}};
            } else if ((c == '[' || c == '{') && (may_begin || !brackets_.empty())) {
                brackets_.push_back(Sign{c, {number, static_cast<int>(i) + 1}});
                may_begin = true;
            } else if ((c == ']' || c == '}') && !brackets_.empty()) {
                brackets_.pop_back();
                may_begin = false;
            } else if (c == ':' || c == '-' || c == '?' || (c == ',' && !brackets_.empty())) {
                may_begin = true;
            } else if (c != ' ' && c != '\t') {
                may_begin = false;
            }
        }
    }

    /// The index of the last byte that it has read.
    std::size_t read_quoted(std::string_view line, std::size_t at, int number) {
        const char sign = quote_->sign;
        if (sign == '"' && line[at] == '\\') return at + 1;
        if (line[at] != sign) return at;
        if (sign == '\'' && line.substr(at + 1).starts_with('\'')) return at + 1;
        if (quote_->place.line < number) long_quotes_.push_back({*quote_, number});
        quote_.reset();
        return at;
    }

    std::optional<Sign> quote_;
    std::vector<Sign> brackets_;
    std::vector<LongQuote> long_quotes_;
};

std::optional<YamlAdvice> find_open_sign(const std::vector<std::string_view>& lines, int line,
                                         std::string_view reason) {
    const OpenSigns signs(lines);
    std::optional<OpenSigns::Sign> sign = signs.long_quote_until(line);
    const std::string_view words = sign ? "is not closed on its line" : "is never closed";
    if (!sign) sign = signs.still_open();
    const bool is_about_signs = reason.find("flow") != std::string_view::npos ||
                                reason.find("end of stream") != std::string_view::npos ||
                                reason.find("quoted") != std::string_view::npos;
    if (!sign || sign->place.line > line) return std::nullopt;
    const bool is_quote = sign->sign == '"' || sign->sign == '\'';
    if (!is_quote && !is_about_signs) return std::nullopt;
    return advice_at(sign->place,
                     std::string("the ") + sign->sign + " that begins here " + std::string(words));
}

/// True for "key: value": lines that belong to it may not begin with a further "key:".
bool has_inline_value(std::string_view line) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return false;
    const std::string_view rest = line.substr(colon + 2);
    return !is_blank(rest) && rest[blanks_of(rest)] != '&' && rest[blanks_of(rest)] != '|' &&
           rest[blanks_of(rest)] != '>';
}

/// A line that begins in another column than the lines before it.
std::optional<YamlAdvice> find_indentation(const std::vector<std::string_view>& lines, int line) {
    const auto last = static_cast<std::size_t>(line) - 1;
    if (last >= lines.size() || is_blank(lines[last])) return std::nullopt;
    std::vector<std::size_t> open;  // the indentations of the maps and lists that are open
    std::string_view before;
    std::size_t beside = 0;
    const std::size_t own = blanks_of(lines[last]);
    for (std::size_t i = 0; i <= last; ++i) {
        if (is_blank(lines[i])) continue;
        const std::size_t blanks = blanks_of(lines[i]);
        beside = open.empty() ? blanks : open.back();
        while (!open.empty() && open.back() > blanks) {
            beside = open.back();
            open.pop_back();
        }
        const bool is_deeper = open.empty() || open.back() < blanks;
        if (i == last) {
            const bool is_between = is_deeper && beside > blanks;
            const bool is_below_value = is_deeper && beside < blanks && has_inline_value(before);
            if (!is_between && !is_below_value) return std::nullopt;
            break;
        }
        if (is_deeper) open.push_back(blanks);
        before = lines[i];
    }
    return advice_at({line, static_cast<int>(own) + 1},
                     "the line is indented by " + std::to_string(own) +
                         " spaces and the lines beside it by " + std::to_string(beside) +
                         "; the keys of a map begin in one column");
}

}  // namespace

YamlAdvice advice_on(std::string_view text, int line, int column, const std::string& reason) {
    const auto lines = lines_of_text(text);
    if (auto advice = find_tab(lines, line)) return *std::move(advice);
    if (auto advice = find_open_sign(lines, line, reason)) return *std::move(advice);
    if (auto advice = find_indentation(lines, line)) return *std::move(advice);
    return advice_at({line, column}, reason);
}

std::optional<YamlAdvice> find_broken_utf8(std::string_view text) {
    const std::size_t at = valid_utf8_bytes(text);
    if (at == text.size()) return std::nullopt;
    const std::string_view before = text.substr(0, at);
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto line = static_cast<int>(std::ranges::count(before, '\n')) + 1;
    return YamlAdvice{.line = line,
                      .message = "is not UTF-8: column " + std::to_string(at - line_begin + 1) +
                                 " holds another encoding; save the file as UTF-8"};
}

}  // namespace sluicegate::config
