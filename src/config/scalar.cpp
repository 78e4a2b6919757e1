#include "config/scalar.hpp"

#include "config/files.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::size_t shown_bytes_max = 64;
constexpr std::size_t name_bytes_max = 128;
constexpr std::size_t text_bytes_max = 8192;
constexpr std::size_t secret_file_bytes_max = std::size_t{64} << 10;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_visible(char c) {
    return c > ' ' && c < '\x7f';
}

/// True if the text contains a key in the usual form, or a long run of letters and digits like a
/// hash.
bool looks_secret(std::string_view text) {
    std::size_t run = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (run == 0 && text.substr(i).starts_with("sk-")) return true;
        run = is_letter_or_digit(text[i]) ? run + 1 : 0;
        if (run == 32) return true;
    }
    return false;
}

bool is_shown(std::string_view text) {
    return text.size() <= shown_bytes_max && !looks_secret(text) &&
           std::ranges::all_of(text, [](char c) { return is_visible(c) || c == ' '; });
}

/// `${NAME}` at the start of `rest`, which begins with "${".
struct Reference {
    std::string name;
    std::optional<std::string_view> otherwise;  ///< stands for a variable that is unset or empty
    std::size_t size = 0;
};

/// `${NAME}` or `${NAME:-default}` at the beginning of `rest`.
std::optional<Reference> parse_reference(std::string_view rest) {
    constexpr std::string_view separator = ":-";
    const std::size_t end = rest.find('}');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view inside = rest.substr(2, end - 2);
    const std::size_t name_size = inside.find(separator);
    const std::string_view name = inside.substr(0, name_size);
    if (!is_variable_name(name)) return std::nullopt;
    Reference reference{.name = std::string(name), .otherwise = std::nullopt, .size = end + 1};
    if (name_size != std::string_view::npos) {
        reference.otherwise = inside.substr(name_size + separator.size());
    }
    return reference;
}

template <class T>
std::string range_text(const Range<T>& range, std::string (*text_of)(T)) {
    return text_of(range.smallest) + " … " + text_of(range.largest);
}

std::string integer_text(std::int64_t value) {
    return std::to_string(value);
}

bool is_number_written_as_text(const Text& text) {
    return text.is_quoted && !text.is_from_environment;
}

/// A path that `why_not` accepts; else a problem with `complaint` and its reason.
std::optional<std::string> read_usable_path(Context& context, const Value& at,
                                            std::string (*why_not)(const std::string&),
                                            std::string_view complaint) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    if (text->text.empty()) {
        add_problem(context, at, "must be the path of a file");
        return std::nullopt;
    }
    std::string path = resolve_path(context.folders[at.node->file], text->text);
    const std::string reason = why_not(path);
    if (!reason.empty() && !context.is_off) {
        add_problem(context, at, std::string(complaint) + reason + got(*text));
        return std::nullopt;
    }
    return path;
}

/// A literal, `${NAME}`, or `file:PATH`; not empty.
std::optional<std::string> read_hidden(Context& context, const Value& at, bool is_credential) {
    auto written = read_text(context, at);
    if (!written) return std::nullopt;
    std::string text = std::move(written->text);
    // Only the text of the YAML file is checked, so a secret in a variable may begin with any word.
    if (at.node->text.starts_with("file:")) {
        const std::string path =
            resolve_path(context.folders[at.node->file], std::string_view(text).substr(5));
        FileText file = read_file(path, secret_file_bytes_max);
        if (!file.error.empty()) {
            if (!context.is_off) {
                add_problem(context, at, "the secret file cannot be read: " + file.error);
            }
            return std::nullopt;
        }
        const std::string others = who_else_may(path);
        if (is_credential && !others.empty()) {
            add_warning(context, at, "the file of this secret: " + others + ": chmod 600");
        }
        text = std::move(file.text);
        if (text.ends_with('\n')) text.pop_back();
        if (text.ends_with('\r')) text.pop_back();
    } else if (is_credential && (!written->is_from_environment || written->has_default)) {
        note_secret(context, at);
    }
    if (text.empty()) {
        if (!context.is_off) add_problem(context, at, "the secret is empty");
        return std::nullopt;
    }
    return text;
}

}  // namespace

void add_problem(Context& context, const Value& at, std::string message) {
    context.problems.add(*at.node, at.path, std::move(message));
}

void add_warning(Context& context, const Value& at, std::string message) {
    constexpr std::size_t warnings_max = 100;
    if (context.warnings.size() == warnings_max || context.is_off) return;
    context.warnings.push_back({.file = context.problems.file_name(at.node->file),
                                .line = at.node->line,
                                .path = at.path,
                                .message = std::move(message)});
}

void note_secret(Context& context, const Value& at) {
    context.secret_files.insert(context.problems.files()[at.node->file]);
}

std::optional<Text> read_text(Context& context, const Value& at) {
    if (at.node->kind == Node::Kind::null) {
        add_problem(context, at, "has no value");
        return std::nullopt;
    }
    if (at.node->kind != Node::Kind::scalar) {
        add_problem(context, at, "must be a single value" + got_kind(*at.node));
        return std::nullopt;
    }
    Text result{.text = "", .is_quoted = at.node->is_quoted};
    std::string_view rest = at.node->text;
    while (!rest.empty()) {
        const std::size_t dollar = rest.find('$');
        result.text += rest.substr(0, dollar);
        if (dollar == std::string_view::npos) break;
        rest.remove_prefix(dollar);
        if (rest.starts_with("$${")) {
            result.text += "${";
            rest.remove_prefix(3);
        } else if (rest.starts_with("${")) {
            const auto reference = parse_reference(rest);
            if (!reference) {
                add_problem(context, at,
                            "${ begins a reference to an environment variable: write ${NAME} or "
                            "${NAME:-default}, or $${ for the two characters themselves");
                return std::nullopt;
            }
            auto value = context.environment(reference->name);
            if (reference->otherwise && (!value || value->empty())) {
                value = *reference->otherwise;
                result.has_default = true;
            }
            if (!value) {
                if (!context.is_off) {
                    add_problem(context, at,
                                "environment variable " + reference->name + " is not set");
                }
                return std::nullopt;
            }
            result.text += *value;
            result.is_from_environment = true;
            rest.remove_prefix(reference->size);
        } else {
            result.text += '$';
            rest.remove_prefix(1);
        }
    }
    if (result.text.size() > text_bytes_max) {
        add_problem(context, at,
                    "must be at most " + std::to_string(text_bytes_max) + " bytes long");
        return std::nullopt;
    }
    return result;
}

std::optional<std::int64_t> read_count(Context& context, const Value& at,
                                       const Range<std::int64_t>& range) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    const auto value = parse_integer(text->text);
    if (!value || is_number_written_as_text(*text)) {
        add_problem(context, at, "must be a whole number" + got(*text));
        return std::nullopt;
    }
    if (*value < range.smallest || *value > range.largest) {
        add_problem(context, at, "must be " + range_text(range, integer_text) + got(*text));
        return std::nullopt;
    }
    return value;
}

std::optional<Milliseconds> read_duration(Context& context, const Value& at,
                                          const Range<Milliseconds>& range) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    const auto value = parse_duration(text->text);
    if (!value) {
        const std::string advice =
            parse_integer(text->text)
                ? "a duration needs a unit: 250ms, 30s, 15m or 24h"
                : "must be a duration: a whole number and a unit, 250ms, 30s, 15m or 24h";
        add_problem(context, at, advice + got(*text));
        return std::nullopt;
    }
    if (*value < range.smallest || *value > range.largest) {
        add_problem(context, at, "must be " + range_text(range, duration_text) + got(*text));
        return std::nullopt;
    }
    return value;
}

std::optional<std::int64_t> read_size(Context& context, const Value& at,
                                      const Range<std::int64_t>& range) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    const auto value = parse_size(text->text);
    if (!value) {
        const std::string advice =
            parse_integer(text->text)
                ? "a size needs a unit: 16384B, 64KiB, 32MiB or 1GiB"
                : "must be a size: a whole number and a unit, 16384B, 64KiB, 32MiB or 1GiB";
        add_problem(context, at, advice + got(*text));
        return std::nullopt;
    }
    if (*value < range.smallest || *value > range.largest) {
        add_problem(context, at, "must be " + range_text(range, size_text) + got(*text));
        return std::nullopt;
    }
    return value;
}

std::optional<std::int64_t> read_percent(Context& context, const Value& at,
                                         const Range<std::int64_t>& range) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    const auto value = parse_percent(text->text);
    if (!value) {
        add_problem(context, at, "must be a whole number of percent, such as 10%" + got(*text));
        return std::nullopt;
    }
    if (*value < range.smallest || *value > range.largest) {
        add_problem(context, at, "must be " + range_text(range, percent_text) + got(*text));
        return std::nullopt;
    }
    return value;
}

std::optional<std::size_t> read_word(Context& context, const Value& at,
                                     std::span<const std::string_view> words) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    const auto found = std::ranges::find(words, text->text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    std::string choices(words.front());
    for (std::size_t i = 1; i < words.size(); ++i) {
        choices += (i + 1 < words.size() ? ", " : " or ") + std::string(words[i]);
    }
    add_problem(context, at, "must be " + choices + got(*text));
    return std::nullopt;
}

std::optional<bool> read_bool(Context& context, const Value& at) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    const bool is_true = text->text == "true";
    if ((!is_true && text->text != "false") || is_number_written_as_text(*text)) {
        add_problem(context, at, "must be true or false" + got(*text));
        return std::nullopt;
    }
    return is_true;
}

std::optional<Secret> read_secret(Context& context, const Value& at) {
    auto text = read_hidden(context, at, true);
    if (!text) return std::nullopt;
    if (text->size() > text_bytes_max || !std::ranges::all_of(*text, is_visible)) {
        add_problem(context, at,
                    "the secret must be at most " + std::to_string(text_bytes_max) +
                        " visible ASCII characters, without spaces or line breaks");
        return std::nullopt;
    }
    return Secret(*std::move(text));
}

std::optional<Secret> read_field_value(Context& context, const Value& at, bool is_credential) {
    auto text = read_hidden(context, at, is_credential);
    if (!text) return std::nullopt;
    const bool is_plain =
        std::ranges::all_of(*text, [](char c) { return is_visible(c) || c == ' '; });
    if (text->size() > text_bytes_max || !is_plain || text->starts_with(' ') ||
        text->ends_with(' ')) {
        add_problem(context, at,
                    "the value must be at most " + std::to_string(text_bytes_max) +
                        " visible ASCII characters, with spaces only between them");
        return std::nullopt;
    }
    return Secret(*std::move(text));
}

std::optional<std::string> read_path(Context& context, const Value& at) {
    return read_usable_path(context, at, why_unreadable, "the file cannot be read: ");
}

std::optional<std::string> read_output_path(Context& context, const Value& at) {
    return read_usable_path(context, at, why_unwritable, "the file cannot be written: ");
}

bool says_off(const Text& text) {
    return text.text == "off" || (text.text == "false" && !text.is_quoted);
}

std::string got(const Text& text) {
    if (text.is_from_environment) return ", got a value from the environment";
    if (text.text.empty()) return ", got nothing";
    if (!is_shown(text.text)) return "";
    return text.is_quoted ? ", got \"" + text.text + '"' : ", got " + text.text;
}

std::string got_kind(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null: return ", got nothing";
        case Node::Kind::scalar: return ", got a single value";
        case Node::Kind::list: return ", got a list";
        case Node::Kind::map: return ", got a map";
    }
    return "";
}

std::string shown_name(std::string_view name) {
    if (name.empty() || !is_shown(name)) return "(not shown)";
    return std::string(name);
}

std::string why_not_a_name(std::string_view name) {
    if (name.empty()) return "a name may not be empty";
    if (name.size() > name_bytes_max) {
        return "a name may have at most " + std::to_string(name_bytes_max) + " characters";
    }
    const bool is_good = std::ranges::all_of(name, [](char c) {
        return is_letter_or_digit(c) ||
               std::string_view("._-:/@+~").find(c) != std::string_view::npos;
    });
    return is_good ? "" : "a name may hold letters, digits and . _ - : / @ + ~";
}

bool is_variable_name(std::string_view name) {
    return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
           std::ranges::all_of(name, [](char c) { return is_letter_or_digit(c) || c == '_'; });
}

}  // namespace sluicegate::config
