#include "config/node.hpp"

#include "config/problems.hpp"
#include "config/yaml_advice.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace sluicegate::config {
namespace {

/// Thrown to leave yaml-cpp's parser; caught in parse_yaml().
struct Refused {
    int line;
    std::string message;
};

struct Size {
    std::size_t nodes = 1;
    std::size_t text_bytes = 0;
};

/// Builds the tree from yaml-cpp's events. A container stays on the stack until it ends, then moves
/// into the one below it.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(std::uint32_t file, NodeBudget& budget) : file_(file), budget_(budget) {}

    /// Where the last scalar begins if it is a quoted one; else a null mark.
    [[nodiscard]] const YAML::Mark& last_scalar() const { return last_scalar_; }
    [[nodiscard]] Node take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        spend(mark, Size{});
        finish(mark, Open{.node = make(mark, Node::Kind::null), .anchor = anchor, .size = {}});
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        check_tag(mark, tag);
        const Size size{.nodes = 1, .text_bytes = value.size()};
        spend(mark, size);
        Node node = make(mark, Node::Kind::scalar);
        node.text = value;
        node.is_quoted = tag == "!";
        last_scalar_ = node.is_quoted ? mark : YAML::Mark::null_mark();
        finish(mark, Open{.node = std::move(node), .anchor = anchor, .size = size});
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto target = anchored_.find(anchor);
        if (target == anchored_.end()) {
            throw Refused{mark.line + 1, "an alias may not stand inside what it refers to"};
        }
        // The size is checked before the copy is made, which stops an exponential document.
        spend(mark, target->second.size);
        Node copy = target->second.node;
        finish(mark, Open{.node = std::move(copy), .anchor = 0, .size = target->second.size});
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        start(mark, tag, anchor, Node::Kind::list);
    }
    void OnSequenceEnd() override { end(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        start(mark, tag, anchor, Node::Kind::map);
    }
    void OnMapEnd() override { end(); }

private:
    struct Open {
        Node node;
        YAML::anchor_t anchor = 0;
        Size size;
        bool has_key = false;  ///< of a map: the next child is a value
    };

    [[nodiscard]] Node make(const YAML::Mark& mark, Node::Kind kind) const {
        Node node;
        node.kind = kind;
        node.file = file_;
        node.line = mark.line + 1;
        return node;
    }

    static void check_tag(const YAML::Mark& mark, const std::string& tag) {
        if (!tag.empty() && tag != "?" && tag != "!") {
            throw Refused{mark.line + 1, "YAML tags (!name) are not supported"};
        }
    }

    void spend(const YAML::Mark& mark, const Size& size) {
        budget_.nodes += size.nodes;
        budget_.text_bytes += size.text_bytes;
        if (budget_.nodes > NodeBudget::nodes_max ||
            budget_.text_bytes > NodeBudget::text_bytes_max) {
            throw Refused{mark.line + 1,
                          "the configuration is too large: at most " +
                              std::to_string(NodeBudget::nodes_max) +
                              " values and 64MiB of text, aliases counted each time"};
        }
    }

    void start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
               Node::Kind kind) {
        check_tag(mark, tag);
        if (open_.size() == NodeBudget::depth_max) {
            throw Refused{
                mark.line + 1,
                "nested more than " + std::to_string(NodeBudget::depth_max) + " levels deep"};
        }
        spend(mark, Size{});
        open_.push_back(Open{.node = make(mark, kind), .anchor = anchor, .size = {}});
    }

    void end() {
        Open done = std::move(open_.back());
        open_.pop_back();
        YAML::Mark mark;
        mark.line = done.node.line - 1;
        finish(mark, std::move(done));
    }

    void finish(const YAML::Mark& mark, Open done) {
        if (done.anchor != 0) {
            // It is stored twice, so it counts twice.
            spend(mark, done.size);
            anchored_.insert_or_assign(done.anchor, Anchored{done.node, done.size});
        }
        if (open_.empty()) {
            root_ = std::move(done.node);
            return;
        }
        Open& parent = open_.back();
        parent.size.nodes += done.size.nodes;
        parent.size.text_bytes += done.size.text_bytes;
        if (parent.node.kind == Node::Kind::list || parent.has_key) {
            // A value on other lines than its key, or an absent one, gets the line of its key.
            if (parent.has_key && done.node.kind != Node::Kind::scalar) {
                done.node.line = parent.node.keys.back().line;
            }
            parent.has_key = false;
            parent.node.items.push_back(std::move(done.node));
            return;
        }
        if (done.node.kind == Node::Kind::list || done.node.kind == Node::Kind::map) {
            throw Refused{mark.line + 1, "a key must be a plain word, not a list or a map"};
        }
        parent.has_key = true;
        parent.node.keys.push_back(std::move(done.node));
    }

    struct Anchored {
        Node node;
        Size size;
    };

    std::uint32_t file_;
    NodeBudget& budget_;
    std::vector<Open> open_;
    std::unordered_map<YAML::anchor_t, Anchored> anchored_;
    Node root_;
    YAML::Mark last_scalar_ = YAML::Mark::null_mark();
};

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, std::uint32_t file, NodeBudget& budget,
                               Problems& problems) {
    // yaml-cpp stops silently at a NUL byte and would ignore the rest.
    if (text.find('\0') != std::string_view::npos) {
        problems.add(file, 0, "", "holds a NUL byte: is it a text file?");
        return std::nullopt;
    }
    if (const auto broken = find_broken_utf8(text)) {
        problems.add(file, broken->line, "", broken->message);
        return std::nullopt;
    }
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        TreeBuilder first(file, budget);
        if (!parser.HandleNextDocument(first)) {
            Node empty;
            empty.file = file;
            empty.line = 1;
            return empty;
        }
        // yaml-cpp takes the end of the text for the end of a quote.
        const YAML::Mark& mark = first.last_scalar();
        if (const auto open = find_open_quote(text, mark.line + 1, mark.column + 1)) {
            problems.add(file, open->line, "", open->message);
            return std::nullopt;
        }
        TreeBuilder second(file, budget);
        if (parser.HandleNextDocument(second)) {
            problems.add(file, second.take_root().line, "", "must be one YAML document, not two");
            return std::nullopt;
        }
        return first.take_root();
    } catch (const Refused& refused) {
        problems.add(file, refused.line, "", refused.message);
    } catch (const YAML::Exception& error) {
        const YamlAdvice advice =
            advice_on(text, error.mark.line + 1, error.mark.column + 1, error.msg);
        problems.add(file, advice.line, "", advice.message);
    } catch (const std::exception& error) {
        problems.add(file, 0, "", std::string("cannot be parsed: ") + error.what());
    }
    return std::nullopt;
}

}  // namespace sluicegate::config
