#include "config/node.hpp"

#include "config/problems.hpp"
#include "config/yaml_advice.hpp"

#include <yaml.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <unordered_map>
#include <utility>

namespace sluicegate::config {
namespace {

/// Caught in parse_yaml().
struct Refused {
    int line;
    std::string message;
};

/// What libyaml says of a text that is no YAML; caught in parse_yaml().
struct NotYaml {
    int line;
    int column;
    std::string reason;
};

std::string_view text_of(const yaml_char_t* text) noexcept {
    // libyaml's characters are unsigned bytes of UTF-8.
    return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

void wipe(yaml_char_t* begin, const yaml_char_t* end) noexcept {
    if (begin != nullptr) ::explicit_bzero(begin, static_cast<std::size_t>(end - begin));
}

class Parser {
public:
    /// `text` must outlive the parser.
    explicit Parser(std::string_view text) : text_(text) {
        if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
        yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size());
    }
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;
    ~Parser() {
        // libyaml frees with free(3), which leaves the secrets of the text in memory.
        wipe(parser_.raw_buffer.start, parser_.raw_buffer.end);
        wipe(parser_.buffer.start, parser_.buffer.end);
        yaml_parser_delete(&parser_);
    }

    void read(yaml_event_t& event) {
        if (yaml_parser_parse(&parser_, &event) == 0) refuse();
    }

private:
    [[noreturn]] void refuse() const {
        if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
        const std::string problem = parser_.problem;
        if (parser_.error == YAML_READER_ERROR) {
            // A control character: libyaml counts no lines before it.
            const std::string_view before = text_.substr(0, parser_.problem_offset);
            const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
            throw NotYaml{static_cast<int>(std::ranges::count(before, '\n')) + 1,
                          static_cast<int>(before.size() - line_begin) + 1, problem};
        }
        const std::string context = parser_.context == nullptr ? "" : parser_.context;
        throw NotYaml{static_cast<int>(parser_.problem_mark.line) + 1,
                      static_cast<int>(parser_.problem_mark.column) + 1,
                      context.empty() ? problem : context + ", " + problem};
    }

    std::string_view text_;
    yaml_parser_t parser_;
};

/// The next event of a parser. It owns what it points to.
class Event {
public:
    explicit Event(Parser& parser) { parser.read(event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() {
        if (event_.type == YAML_SCALAR_EVENT) {
            const auto& scalar = event_.data.scalar;
            wipe(scalar.value, scalar.value + scalar.length);
        }
        yaml_event_delete(&event_);
    }

    [[nodiscard]] yaml_event_type_t type() const noexcept { return event_.type; }
    [[nodiscard]] int line() const noexcept { return static_cast<int>(event_.start_mark.line) + 1; }
    [[nodiscard]] const auto& alias() const noexcept { return event_.data.alias; }
    [[nodiscard]] const auto& scalar() const noexcept { return event_.data.scalar; }
    [[nodiscard]] const auto& list() const noexcept { return event_.data.sequence_start; }
    [[nodiscard]] const auto& map() const noexcept { return event_.data.mapping_start; }

private:
    yaml_event_t event_{};
};

/// What YAML's core schema takes for null, where it is not quoted.
bool is_null(std::string_view text) noexcept {
    constexpr std::array<std::string_view, 5> words{"", "~", "null", "Null", "NULL"};
    return std::ranges::find(words, text) != words.end();
}

struct Size {
    std::size_t nodes = 1;
    std::size_t text_bytes = 0;
};

/// Builds the tree from the events of one document.
class TreeBuilder {
public:
    TreeBuilder(std::uint32_t file, NodeStore& store) : file_(file), store_(store) {}

    void take(const Event& event) {
        switch (event.type()) {
            case YAML_ALIAS_EVENT: return take_alias(event);
            case YAML_SCALAR_EVENT: return take_scalar(event);
            case YAML_SEQUENCE_START_EVENT:
                return start(event, event.list().tag, event.list().anchor, Node::Kind::list);
            case YAML_MAPPING_START_EVENT:
                return start(event, event.map().tag, event.map().anchor, Node::Kind::map);
            case YAML_SEQUENCE_END_EVENT:
            case YAML_MAPPING_END_EVENT: return end();
            default: return;
        }
    }
    [[nodiscard]] Node take_root() { return std::move(root_); }

private:
    struct Open {
        Node node;
        std::string anchor;
        Size size;
        std::size_t first_child = 0;  ///< in children_
    };

    [[nodiscard]] Node make(const Event& event, Node::Kind kind) const {
        Node node;
        node.kind = kind;
        node.file = file_;
        node.line = event.line();
        return node;
    }

    static void check_tag(const Event& event, const yaml_char_t* tag) {
        if (tag != nullptr) throw Refused{event.line(), "YAML tags (!name) are not supported"};
    }

    /// A copy in the store.
    [[nodiscard]] std::string_view kept(std::string_view text) {
        if (text.empty()) return {};
        char* const to = static_cast<char*>(store_.memory->allocate(text.size(), 1));
        std::memcpy(to, text.data(), text.size());
        return {to, text.size()};
    }
    /// Copies of each `step`th of `nodes`, beginning with `first`, in the store.
    [[nodiscard]] std::span<const Node> kept(std::span<const Node> nodes, std::size_t first,
                                             std::size_t step) {
        const std::size_t count = (nodes.size() + step - 1 - first) / step;
        if (count == 0) return {};
        void* const memory = store_.memory->allocate(count * sizeof(Node), alignof(Node));
        Node* const begin = static_cast<Node*>(memory);
        for (std::size_t i = 0; i < count; ++i) {
            std::construct_at(begin + i, nodes[first + i * step]);
        }
        return {begin, count};
    }

    void spend(int line, const Size& size) {
        store_.nodes += size.nodes;
        store_.text_bytes += size.text_bytes;
        if (store_.nodes > NodeStore::nodes_max || store_.text_bytes > NodeStore::text_bytes_max) {
            throw Refused{line, "the configuration is too large: at most " +
                                    std::to_string(NodeStore::nodes_max) +
                                    " values and 64MiB of text, aliases counted each time"};
        }
    }

    void take_scalar(const Event& event) {
        const auto& scalar = event.scalar();
        check_tag(event, scalar.tag);
        const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
        const bool is_quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE;
        const bool is_nothing = !is_quoted && is_null(text);
        Node node = make(event, is_nothing ? Node::Kind::null : Node::Kind::scalar);
        node.is_quoted = is_quoted;
        if (!is_nothing) node.text = kept(text);
        const Size size{.nodes = 1, .text_bytes = node.text.size()};
        spend(node.line, size);
        finish(Open{
            .node = std::move(node), .anchor = std::string(text_of(scalar.anchor)), .size = size});
    }

    void take_alias(const Event& event) {
        const std::string name(text_of(event.alias().anchor));
        const auto is_it = [&name](const Open& open) { return open.anchor == name; };
        if (std::ranges::any_of(open_, is_it)) {
            throw Refused{event.line(), "an alias may not stand inside what it refers to"};
        }
        const auto target = anchored_.find(name);
        if (target == anchored_.end()) {
            throw Refused{event.line(), "nothing above has the anchor &" + name};
        }
        // The size is checked before the copy is made, which stops an exponential document.
        spend(event.line(), target->second.size);
        finish(Open{.node = target->second.node,
                    .anchor = "",
                    .size = target->second.size,
                    .first_child = 0});
    }

    void start(const Event& event, const yaml_char_t* tag, const yaml_char_t* anchor,
               Node::Kind kind) {
        check_tag(event, tag);
        if (open_.size() == NodeStore::depth_max) {
            throw Refused{event.line(), "nested more than " + std::to_string(NodeStore::depth_max) +
                                            " levels deep"};
        }
        spend(event.line(), Size{});
        open_.push_back(Open{.node = make(event, kind),
                             .anchor = std::string(text_of(anchor)),
                             .size = {},
                             .first_child = children_.size()});
    }

    void end() {
        Open done = std::move(open_.back());
        open_.pop_back();
        const std::span<const Node> children = std::span(children_).subspan(done.first_child);
        if (done.node.kind == Node::Kind::map) {
            done.node.keys = kept(children, 0, 2);
            done.node.items = kept(children, 1, 2);
        } else {
            done.node.items = kept(children, 0, 1);
        }
        children_.resize(done.first_child);
        finish(std::move(done));
    }

    void finish(Open done) {
        if (!done.anchor.empty()) {
            anchored_.insert_or_assign(done.anchor, Anchored{done.node, done.size});
        }
        if (open_.empty()) {
            root_ = std::move(done.node);
            return;
        }
        Open& parent = open_.back();
        parent.size.nodes += done.size.nodes;
        parent.size.text_bytes += done.size.text_bytes;
        if (parent.node.kind == Node::Kind::map) {
            const bool is_key = (children_.size() - parent.first_child) % 2 == 0;
            const bool is_container =
                done.node.kind == Node::Kind::list || done.node.kind == Node::Kind::map;
            if (is_key && is_container) {
                throw Refused{done.node.line, "a key must be a plain word, not a list or a map"};
            }
            // A value on other lines than its key, or an absent one, gets the line of its key.
            if (!is_key && done.node.kind != Node::Kind::scalar) {
                done.node.line = children_.back().line;
            }
        }
        children_.push_back(std::move(done.node));
    }

    struct Anchored {
        Node node;
        Size size;
    };

    std::uint32_t file_;
    NodeStore& store_;
    std::vector<Open> open_;
    std::vector<Node> children_;  ///< of all in open_, until these end; of a map: key, value, key …
    std::unordered_map<std::string, Anchored> anchored_;
    Node root_;
};

Node tree_of(std::string_view text, std::uint32_t file, NodeStore& store) {
    Parser parser(text);
    TreeBuilder builder(file, store);
    bool has_document = false;
    while (true) {
        const Event event(parser);
        if (event.type() == YAML_STREAM_END_EVENT) break;
        if (event.type() == YAML_DOCUMENT_START_EVENT) {
            if (has_document) {
                throw Refused{event.line(), "must be one YAML document, not two"};
            }
            has_document = true;
        }
        builder.take(event);
    }
    Node root = builder.take_root();
    root.file = file;
    root.line = std::max(root.line, 1);
    return root;
}

}  // namespace

std::optional<Member> find_member(const Node& map, std::string_view key) {
    for (std::size_t i = 0; i < map.keys.size(); ++i) {
        if (map.keys[i].text == key) return Member{.key = &map.keys[i], .value = &map.items[i]};
    }
    return std::nullopt;
}

std::optional<Node> parse_yaml(std::string_view text, std::uint32_t file, NodeStore& store,
                               Problems& problems) {
    if (text.find('\0') != std::string_view::npos) {
        problems.add(file, 0, "", "holds a NUL byte: is it a text file?");
        return std::nullopt;
    }
    if (const auto broken = find_broken_utf8(text)) {
        problems.add(file, broken->line, "", broken->message);
        return std::nullopt;
    }
    try {
        return tree_of(text, file, store);
    } catch (const Refused& refused) {
        problems.add(file, refused.line, "", refused.message);
    } catch (const NotYaml& fault) {
        const YamlAdvice advice = advice_on(text, fault.line, fault.column, fault.reason);
        problems.add(file, advice.line, "", advice.message);
    }
    return std::nullopt;
}

}  // namespace sluicegate::config
