#pragma once
/// Reads one scalar: expands `${NAME}`, checks type and range, and adds a problem if it is wrong. A
/// function that has added a problem returns nothing.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/secret.hpp"

#include "config/context.hpp"
#include "config/node.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluicegate::config {

/// A node and the path that names it in messages.
struct Value {
    const Node* node = nullptr;
    std::string path;
};

/// A scalar after expansion. A value from the environment may be a secret and is never shown.
struct Text {
    std::string text;
    bool is_from_environment = false;  ///< at least in part, or as the default of a variable
    bool has_default = false;          ///< it holds the default of a variable
    bool is_quoted = false;
};

/// Smallest and largest allowed value, both included.
template <class T>
struct Range {
    T smallest;
    T largest;
};

void add_problem(Context& context, const Value& at, std::string message);

/// Beyond 100 of them further ones are left out.
void add_warning(Context& context, const Value& at, std::string message);

/// `${NAME}` becomes the variable's value, `$${` a plain `${`.
[[nodiscard]] std::optional<Text> read_text(Context& context, const Value& at);
[[nodiscard]] std::optional<std::int64_t> read_count(Context& context, const Value& at,
                                                     const Range<std::int64_t>& range);
[[nodiscard]] std::optional<Milliseconds> read_duration(Context& context, const Value& at,
                                                        const Range<Milliseconds>& range);
[[nodiscard]] std::optional<std::int64_t> read_size(Context& context, const Value& at,
                                                    const Range<std::int64_t>& range);
/// "10%"
[[nodiscard]] std::optional<std::int64_t> read_percent(Context& context, const Value& at,
                                                       const Range<std::int64_t>& range);
/// The index of the value in `words`, which has at least two.
[[nodiscard]] std::optional<std::size_t> read_word(Context& context, const Value& at,
                                                   std::span<const std::string_view> words);
[[nodiscard]] std::optional<bool> read_bool(Context& context, const Value& at);
/// A literal, `${NAME}`, or `file:PATH`: the file's text without the newline at its end.
[[nodiscard]] std::optional<Secret> read_secret(Context& context, const Value& at);
/// The same for the value of a header, which may hold spaces between its words. Not each is a
/// credential.
[[nodiscard]] std::optional<Secret> read_field_value(Context& context, const Value& at,
                                                     bool is_credential);
/// The text of `at` is a secret: others should not read its file.
void note_secret(Context& context, const Value& at);
/// A path, resolved against the folder of the file that holds it; the file can be read.
[[nodiscard]] std::optional<std::string> read_path(Context& context, const Value& at);
/// The same for a file that sluicegate writes: it need not exist, its folder must be writable.
[[nodiscard]] std::optional<std::string> read_output_path(Context& context, const Value& at);

/// True for `off`, and for `false`, to which a YAML 1.1 tool may have changed it.
[[nodiscard]] bool says_off(const Text& text);
/// ", got X" for the end of a message. "" if X is long, unprintable or must not be shown.
[[nodiscard]] std::string got(const Text& text);
/// ", got a list"
[[nodiscard]] std::string got_kind(const Node& node);
/// A name for a path or message. A text that looks like a credential, or is no name, is replaced.
[[nodiscard]] std::string shown_name(std::string_view name);
/// Why `name` may not name a user, group, model or upstream. "" if it may.
[[nodiscard]] std::string why_not_a_name(std::string_view name);
/// A letter or `_`, then letters, digits and `_`.
[[nodiscard]] bool is_variable_name(std::string_view name);

}  // namespace sluicegate::config
