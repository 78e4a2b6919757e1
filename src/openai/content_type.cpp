#include "openai/content_type.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_token_char(char c) noexcept {
    const char low = lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// Removes a quoted string from the start of `text`, which begins with its quote.
bool take_quoted(std::string_view& text, Parameter& out) {
    text.remove_prefix(1);
    while (!text.empty() && text.front() != '"') {
        if (text.front() == '\\') {
            out.has_escape = true;
            text.remove_prefix(1);
            if (text.empty()) return false;
        }
        const auto value = static_cast<unsigned char>(text.front());
        if ((value < 0x20 && value != '\t') || value == 0x7F) return false;
        out.value += text.front();
        text.remove_prefix(1);
    }
    if (text.empty()) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower_case) noexcept {
    return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                      [](char a, char b) { return lower(a) == b; });
}

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_extended(const Parameter& parameter) noexcept {
    return parameter.name.find('*') != std::string::npos;
}

std::optional<Parameter> take_parameter(std::string_view& text) {
    text = trimmed(text);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || !is_token(text.substr(0, equals))) return std::nullopt;
    Parameter out;
    out.name = lower_case(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    if (text.starts_with('"')) {
        if (!take_quoted(text, out)) return std::nullopt;
    } else {
        const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
        out.value.assign(text.begin(), end);
        if (out.value.empty()) return std::nullopt;
        text.remove_prefix(out.value.size());
    }
    text = trimmed(text);
    return out;
}

std::optional<ContentType> parse_content_type(std::string_view text) {
    text = trimmed(text);
    const std::string_view media_type = trimmed(text.substr(0, text.find(';')));
    const std::size_t slash = media_type.find('/');
    if (slash == std::string_view::npos || !is_token(media_type.substr(0, slash)) ||
        !is_token(media_type.substr(slash + 1))) {
        return std::nullopt;
    }
    ContentType out{.media_type = lower_case(media_type), .boundary = {}, .charset = {}};
    text.remove_prefix(std::min(text.find(';'), text.size()));
    while (!text.empty()) {
        if (text.front() != ';') return std::nullopt;
        text.remove_prefix(1);
        if (trimmed(text).empty()) break;  // "application/json;" is common and harmless
        std::optional<Parameter> parameter = take_parameter(text);
        if (!parameter || parameter->has_escape || is_extended(*parameter)) return std::nullopt;
        if (parameter->name == "boundary") {
            if (out.boundary) return std::nullopt;
            out.boundary = std::move(parameter->value);
        } else if (parameter->name == "charset") {
            if (out.charset) return std::nullopt;
            out.charset = lower_case(parameter->value);
        }
    }
    return out;
}

}  // namespace sluicegate::openai
