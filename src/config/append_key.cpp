#include "sluicegate/config/append_key.hpp"

#include "config/node.hpp"
#include "config/problems.hpp"
#include "config/scalar.hpp"
#include "config/units.hpp"
#include "config/yaml_text.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace sluicegate::config {
namespace {

Failure refuse(std::string why) {
    return fail(ErrorKind::internal, std::move(why));
}

// --- the lines of the text ---

class Lines {
public:
    explicit Lines(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
            lines_.emplace_back(text.substr(0, end));
            text.remove_prefix(end);
        }
        has_crlf_ = !lines_.empty() && lines_.front().ends_with("\r\n");
    }

    [[nodiscard]] std::size_t count() const noexcept { return lines_.size(); }
    /// Spaces before the first other character. `number` from 1, as Node::line.
    [[nodiscard]] std::size_t indent(int number) const {
        return line(number).find_first_not_of(' ');
    }
    [[nodiscard]] std::string_view content(int number) const {
        std::string_view text = line(number);
        text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
        return text;
    }
    [[nodiscard]] bool is_blank(int number) const {
        return content(number).empty() || content(number).front() == '#';
    }
    /// The last line behind `first` that `belongs` says is one of its container. Blank lines and
    /// comments between such lines belong to it too.
    template <class Belongs>
    [[nodiscard]] int last_of(int first, Belongs belongs) const {
        int last = first;
        for (int at = first + 1; static_cast<std::size_t>(at) <= lines_.size(); ++at) {
            if (is_blank(at)) continue;
            if (!belongs(at)) break;
            last = at;
        }
        return last;
    }
    [[nodiscard]] std::string with(const std::string& added, int behind) const {
        std::string text;
        for (int at = 1; at <= behind; ++at) text += line(at);
        if (!text.ends_with('\n')) text += end();
        for (const char c : added) c == '\n' ? text += end() : text += c;
        for (int at = behind + 1; static_cast<std::size_t>(at) <= lines_.size(); ++at) {
            text += line(at);
        }
        return text;
    }

private:
    [[nodiscard]] const std::string& line(int number) const {
        return lines_[static_cast<std::size_t>(number) - 1];
    }
    [[nodiscard]] std::string_view end() const noexcept { return has_crlf_ ? "\r\n" : "\n"; }

    std::vector<std::string> lines_;
    bool has_crlf_ = false;
};

// --- the tree ---

std::optional<Node> tree_of(std::string_view yaml, NodeStore& store, std::string& why) {
    Problems problems;
    auto tree = parse_yaml(yaml, problems.add_file(""), store, problems);
    if (!tree) {
        const Problem problem = problems.take().front();
        why = "line " + std::to_string(problem.line) + ": " + problem.message;
    }
    return tree;
}

bool same(const Node& a, const Node& b) {
    return a.kind == b.kind && a.text == b.text && a.is_quoted == b.is_quoted &&
           std::ranges::equal(a.keys, b.keys, same) && std::ranges::equal(a.items, b.items, same);
}

/// `after` is `before` with one more element or member, the last one.
const Node* only_addition(const Node& before, const Node& after) {
    const std::size_t count = before.items.size();
    if (before.kind != after.kind && before.kind != Node::Kind::null) return nullptr;
    if (after.items.size() != count + 1) return nullptr;
    const bool is_kept =
        std::ranges::equal(before.items, after.items.first(count), same) &&
        std::ranges::equal(before.keys, after.keys.first(before.keys.size()), same);
    return is_kept ? &after.items.back() : nullptr;
}

/// True for a map that differs from `before` in one member alone; `inside` judges that.
template <class Inside>
bool differs_only_in(const Node& before, const Node& after, std::string_view name, Inside inside) {
    if (!std::ranges::equal(before.keys, after.keys, same)) return false;
    for (std::size_t i = 0; i < before.keys.size(); ++i) {
        const bool is_it = before.keys[i].text == name;
        if (is_it ? !inside(before.items[i], after.items[i])
                  : !same(before.items[i], after.items[i])) {
            return false;
        }
    }
    return true;
}

bool is_entry(const Node& item, const KeyEntry& entry) {
    const auto id = find_member(item, "id");
    const auto hash = find_member(item, "sha256");
    return id && hash && id->value->text == entry.id && hash->value->text == entry.sha256;
}

bool has_only(const Node* user, const KeyEntry& entry) {
    if (user == nullptr || user->items.size() != 1) return false;
    const auto keys = find_member(*user, "keys");
    return keys && keys->value->items.size() == 1 && is_entry(keys->value->items.front(), entry);
}

/// What was meant, and nothing else, has happened to the tree.
bool is_as_meant(const Node& before, const Node& after, const KeyEntry& entry) {
    const auto in_keys = [&](const Node& old_keys, const Node& new_keys) {
        const Node* const added = only_addition(old_keys, new_keys);
        return added != nullptr && is_entry(*added, entry);
    };
    const auto in_user = [&](const Node& old_user, const Node& new_user) {
        if (find_member(old_user, "keys"))
            return differs_only_in(old_user, new_user, "keys", in_keys);
        const Node* const keys = only_addition(old_user, new_user);
        return keys != nullptr && new_user.keys.back().text == "keys" && in_keys(Node(), *keys);
    };
    return differs_only_in(before, after, "users", [&](const Node& old_users, const Node& users) {
        if (find_member(old_users, entry.user)) {
            return differs_only_in(old_users, users, entry.user, in_user);
        }
        const Node* const added = only_addition(old_users, users);
        return users.keys.back().text == entry.user && has_only(added, entry);
    });
}

struct Place {
    int behind = 0;  ///< the line
    std::string lines;
};

std::string spaces(std::size_t count) {
    return std::string(count, ' ');
}

Result<Place> place_in_user(const Lines& lines, const Member& user, std::size_t indent,
                            const KeyEntry& entry) {
    if (user.value->kind == Node::Kind::null) {
        return Place{user.key->line,
                     spaces(indent + 2) + "keys:\n" + spaces(indent + 4) + key_line(entry) + '\n'};
    }
    const bool is_block = user.value->kind == Node::Kind::map && !user.value->keys.empty() &&
                          user.value->keys.front().line > user.key->line;
    if (!is_block) return refuse("users." + entry.user + " is not written in lines of its own");
    const std::size_t member_indent = lines.indent(user.value->keys.front().line);
    const auto keys = find_member(*user.value, "keys");
    if (!keys) {
        const int last =
            lines.last_of(user.key->line, [&](int at) { return lines.indent(at) > indent; });
        return Place{last, spaces(member_indent) + "keys:\n" + spaces(member_indent + 2) +
                               key_line(entry) + '\n'};
    }
    if (keys->value->kind == Node::Kind::null) {
        return Place{keys->key->line, spaces(member_indent + 2) + key_line(entry) + '\n'};
    }
    if (keys->value->kind != Node::Kind::list || keys->value->items.empty() ||
        keys->value->items.front().line <= keys->key->line) {
        return refuse("users." + entry.user + ".keys is not a list with a line for each key");
    }
    const int item = keys->value->items.front().line;
    const std::size_t dash = lines.indent(item);
    if (!lines.content(item).starts_with('-')) {
        return refuse("users." + entry.user + ".keys is not a list with a line for each key");
    }
    const int last = lines.last_of(keys->key->line, [&](int at) {
        return lines.indent(at) > dash ||
               (lines.indent(at) == dash && lines.content(at).starts_with('-'));
    });
    return Place{last, spaces(dash) + key_line(entry) + '\n'};
}

Result<Place> place_of(const Lines& lines, const Node& root, const KeyEntry& entry) {
    const auto users = find_member(root, "users");
    if (!users) return refuse("the file has no users");
    const auto new_user = [&](std::size_t indent) {
        return spaces(indent) + plain_or_quoted(entry.user) + ":\n" + spaces(indent + 2) +
               "keys:\n" + spaces(indent + 4) + key_line(entry) + '\n';
    };
    if (users->value->kind == Node::Kind::null) return Place{users->key->line, new_user(2)};
    if (users->value->kind != Node::Kind::map || users->value->keys.empty() ||
        users->value->keys.front().line <= users->key->line) {
        return refuse("users is not written in lines of its own");
    }
    const std::size_t indent = lines.indent(users->value->keys.front().line);
    if (const auto user = find_member(*users->value, entry.user)) {
        return place_in_user(lines, *user, indent, entry);
    }
    const int last =
        lines.last_of(users->key->line, [&](int at) { return lines.indent(at) >= indent; });
    return Place{last, new_user(indent)};
}

}  // namespace

std::string why_not_a_key(const KeyEntry& entry) {
    const auto named = [](const std::string& what, const std::string& name) {
        const std::string reason = why_not_a_name(name);
        return reason.empty() ? "" : what + ": " + reason;
    };
    if (auto reason = named("--user", entry.user); !reason.empty()) return reason;
    if (auto reason = named("--id", entry.id); !reason.empty()) return reason;
    for (const std::string& model : entry.models) {
        if (auto reason = named("--models", model); !reason.empty()) return reason;
    }
    if (entry.expires.empty()) return "";
    const auto end = parse_time(entry.expires);
    if (!end) {
        return "--expires: must be a date or a time, such as 2027-01-01 or 2027-01-01T09:30:00Z, "
               "got " +
               entry.expires;
    }
    return *end <= std::chrono::system_clock::now() ? "--expires: is in the past" : "";
}

std::string key_line(const KeyEntry& entry) {
    std::string line = "- {id: " + plain_or_quoted(entry.id) + ", sha256: " + entry.sha256;
    if (!entry.expires.empty()) line += ", expires: " + entry.expires;
    for (std::size_t i = 0; i < entry.models.size(); ++i) {
        line += (i == 0 ? ", models: [" : ", ") + plain_or_quoted(entry.models[i]);
    }
    return line + (entry.models.empty() ? "}" : "]}");
}

std::string end_text(const ApiKey& key) {
    return key.expires ? time_text(*key.expires) : "never";
}

bool has_key(std::string_view yaml, const KeyEntry& entry) {
    NodeStore store;
    std::string why;
    const auto root = tree_of(yaml, store, why);
    const auto users = root ? find_member(*root, "users") : std::nullopt;
    const auto user = users ? find_member(*users->value, entry.user) : std::nullopt;
    const auto keys = user ? find_member(*user->value, "keys") : std::nullopt;
    return keys && std::ranges::any_of(keys->value->items, [&](const Node& item) {
               const auto id = find_member(item, "id");
               return id && id->value->text == entry.id;
           });
}

Result<std::string> append_key(std::string_view yaml, const KeyEntry& entry) {
    NodeStore store;
    std::string why;
    const auto before = tree_of(yaml, store, why);
    if (!before) return refuse(std::move(why));
    const Lines lines(yaml);
    auto place = place_of(lines, *before, entry);
    if (!place) return std::move(place).failure();
    std::string text = lines.with(place->lines, place->behind);
    const auto after = tree_of(text, store, why);
    if (!after || !is_as_meant(*before, *after, entry)) {
        return refuse("the way in which users is written leaves no safe place for a key");
    }
    return text;
}

}  // namespace sluicegate::config
