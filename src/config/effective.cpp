#include "config/effective.hpp"

#include "config/entity.hpp"
#include "config/files.hpp"
#include "config/scalar.hpp"
#include "config/yaml_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::string_view hidden_value = R"("***")";
constexpr std::string_view default_origin = "default";

/// A value on its way into the text.
struct Shown {
    std::string key;  ///< "" for an element of a list
    std::string value{};
    std::string origin{};
    std::vector<Shown> members{};
    bool is_list = false;
};

bool is_hidden(std::string_view key, std::string_view parent) {
    return key == "api_key" || key == "sha256" || parent == "headers";
}

/// A URL without the name and password in it.
std::string without_credentials(std::string_view url) {
    const std::size_t at = url.rfind('@');
    if (at == std::string_view::npos) return std::string(url);
    const std::size_t scheme_end = std::min(url.find("://") + 3, at);
    return std::string(url.substr(0, scheme_end)) + "***:***" + std::string(url.substr(at));
}

bool is_path(std::string_view key) {
    constexpr std::string_view keys[] = {"certificate", "private_key",        "client_ca",
                                         "ca_file",     "client_certificate", "client_key",
                                         "state_file"};
    return std::ranges::find(keys, key) != std::ranges::end(keys);
}

class Writer {
public:
    Writer(const Config& config, const std::vector<std::string>& folders)
        : config_(config), folders_(folders) {}

    [[nodiscard]] Shown shown(std::string_view key, std::string_view parent,
                              const Node& node) const {
        Shown out{.key = std::string(key)};
        out.origin = config_.files[node.file] + ':' + std::to_string(node.line);
        switch (node.kind) {
            case Node::Kind::null: break;
            case Node::Kind::scalar: out.value = scalar(key, parent, node); break;
            case Node::Kind::list: add_elements(out, parent, node); break;
            case Node::Kind::map:
                for (std::size_t i = 0; i < node.keys.size(); ++i) {
                    out.members.push_back(shown(node.keys[i].text, key, node.items[i]));
                }
                break;
        }
        return out;
    }
    void write(const Shown& one, std::size_t indent) {
        text_.append(indent, ' ');
        text_ += plain_or_quoted(one.key);
        text_ += ':';
        write_rest(one, indent);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    [[nodiscard]] std::string scalar(std::string_view key, std::string_view parent,
                                     const Node& node) const {
        if (is_hidden(key, parent)) return std::string(hidden_value);
        if (key == "proxy") return double_quoted(without_credentials(node.text));
        if (is_path(key) && node.text != "system" && !node.text.empty()) {
            return plain_or_quoted(resolve_path(folders_[node.file], node.text));
        }
        return node.is_quoted ? double_quoted(node.text) : plain_or_quoted(node.text);
    }
    void add_elements(Shown& out, std::string_view parent, const Node& node) const {
        const auto is_scalar = [](const Node& item) { return item.kind == Node::Kind::scalar; };
        if (std::ranges::all_of(node.items, is_scalar)) {
            for (const Node& item : node.items) {
                out.value += out.value.empty() ? "[" : ", ";
                out.value += scalar(out.key, parent, item);
            }
            out.value += node.items.empty() ? "[]" : "]";
            return;
        }
        out.is_list = true;
        for (const Node& item : node.items) out.members.push_back(shown("", out.key, item));
    }
    void write_rest(const Shown& one, std::size_t indent) {
        if (one.members.empty()) {
            if (!one.value.empty()) text_ += ' ' + one.value;
            text_ += "  # " + one.origin + '\n';
            return;
        }
        text_ += '\n';
        for (const Shown& member : one.members) {
            one.is_list ? write_element(member, indent + 2) : write(member, indent + 2);
        }
    }
    /// `- first: …`, the other members below it.
    void write_element(const Shown& element, std::size_t indent) {
        text_.append(indent, ' ');
        text_ += '-';
        if (element.members.empty() || element.is_list) return write_rest(element, indent);
        text_ += ' ';
        bool is_first = true;
        for (const Shown& member : element.members) {
            if (is_first) {
                text_ += plain_or_quoted(member.key) + ':';
                write_rest(member, indent + 2);
            } else {
                write(member, indent + 2);
            }
            is_first = false;
        }
    }

    const Config& config_;
    const std::vector<std::string>& folders_;
    std::string text_;
};

Shown* find(std::vector<Shown>& members, std::string_view key) {
    const auto found = std::ranges::find(members, key, &Shown::key);
    return found == members.end() ? nullptr : &*found;
}

/// Values that stand under another key, or that nothing in the file could say.
bool is_never_added(std::string_view key) {
    constexpr std::string_view keys[] = {"base_url",    "endpoints", "route", "fallback",
                                         "fallback_on", "info",      "proxy", "kind"};
    return key.starts_with("limits.") || key.starts_with("proxy.") ||
           std::ranges::find(keys, key) != std::ranges::end(keys);
}

/// Adds what an entity has and the file does not say. `key` is relative to `into`.
void add_default(Shown& into, std::string_view key, const Leaf& leaf) {
    const std::size_t dot = key.find('.');
    const std::string_view name = key.substr(0, dot);
    Shown* member = find(into.members, name);
    if (dot == std::string_view::npos) {
        if (member != nullptr) return;
        into.members.push_back({.key = std::string(name),
                                .value = plain_or_quoted(leaf.shown),
                                .origin = std::string(default_origin)});
        return;
    }
    if (member == nullptr) {
        into.members.push_back({.key = std::string(name), .origin = std::string(default_origin)});
        member = &into.members.back();
    }
    add_default(*member, key.substr(dot + 1), leaf);
}

bool has_tls(const Config& config, std::string_view upstream) {
    const auto found = std::ranges::find(config.upstreams, upstream, &Upstream::name);
    return found != config.upstreams.end() &&
           std::ranges::any_of(found->endpoints, [](const Endpoint& one) { return one.tls; });
}

void add_defaults(Shown& into, const Entity& entity, const Config& config) {
    const bool may_have_tls = has_tls(config, into.key);
    for (const Leaf& leaf : entity.leaves) {
        const std::string_view key =
            std::string_view(leaf.path).substr(entity.path.empty() ? 0 : entity.path.size() + 1);
        if (leaf.shown.empty() || is_never_added(key)) continue;
        if (key.starts_with("tls.") && !may_have_tls) continue;
        if (key == "api_key_header" && find(into.members, "api_key") == nullptr) continue;
        add_default(into, key, leaf);
    }
}

}  // namespace

std::string effective_text(const Node& main, const WrittenEntries& written, const Config& config,
                           const std::vector<std::string>& folders) {
    Writer writer(config, folders);
    std::vector<Entity> entities = entities_of(config);
    std::unordered_map<std::string_view, const Entity*> index;
    for (const Entity& entity : entities) index.emplace(entity.id, &entity);

    Shown fixed{.key = ""};
    for (std::size_t i = 0; i < main.keys.size(); ++i) {
        constexpr std::string_view others[] = {"include", "upstreams", "models", "groups", "users"};
        if (std::ranges::find(others, main.keys[i].text) != std::ranges::end(others)) continue;
        fixed.members.push_back(writer.shown(main.keys[i].text, "", main.items[i]));
    }
    add_defaults(fixed, entities.front(), config);
    for (const Shown& section : fixed.members) writer.write(section, 0);

    const std::pair<const char*, const std::vector<NamedEntry>*> sections[] = {
        {"upstreams", &written.upstreams},
        {"models", &written.models},
        {"groups", &written.groups},
        {"users", &written.users}};
    std::string text = writer.take();
    for (const auto& [name, entries] : sections) {
        if (entries->empty()) continue;
        Writer of_section(config, folders);
        for (const NamedEntry& entry : *entries) {
            Shown one = of_section.shown(entry.name, "", *entry.value.node);
            const auto found = index.find(std::string(name) + '\n' + entry.name);
            if (found != index.end()) add_defaults(one, *found->second, config);
            of_section.write(one, 2);
        }
        text += name;
        text += ":\n" + of_section.take();
    }
    return text;
}

}  // namespace sluicegate::config
