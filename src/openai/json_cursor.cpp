#include "openai/json_cursor.hpp"

#include "openai/json_text.hpp"
#include "openai/prompt_tally.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

/// A token that is no string.
bool is_scalar(std::string_view token) noexcept {
    switch (token.front()) {
        case 't': return token == "true";
        case 'f': return token == "false";
        case 'n': return token == "null";
        default: return is_number(token);
    }
}

struct NoVisitor {
    void key(std::string_view /*raw*/) noexcept {}
    void string(std::string_view /*raw*/) noexcept {}
    void other_scalar() noexcept {}
    void reference(std::string_view /*raw*/, char /*value*/, char /*inside*/) noexcept {}
};

}  // namespace

bool JsonCursor::take(char wanted) noexcept {
    if (peek() != wanted) return fault();
    ++next_;
    return true;
}

/// True if the token at the cursor, `size` bytes long, may hold an escape. The whole text is
/// searched once, from one backslash to the next.
inline bool JsonCursor::has_backslash(std::size_t size) noexcept {
    const std::size_t begin = starts_[next_];
    if (backslash_ < begin) backslash_ = std::min(text_.find('\\', begin), text_.size());
    return backslash_ < begin + size;
}

/// For a token that begins with a quote. As one token it has no other unescaped quote but its last.
template <JsonCursor::Escapes escapes>
inline bool JsonCursor::take_string(std::string_view& raw) noexcept {
    const std::string_view text = token();
    if (text.size() < 2 || text.back() != '"') return fault();
    raw = {text.data() + 1, text.size() - 2};
    if (has_backslash(text.size())) {
        const bool is_good =
            escapes == Escapes::valid ? has_valid_escapes(raw) : has_complete_escapes(raw);
        if (!is_good) return fault();
    }
    ++next_;
    return true;
}

bool JsonCursor::take_key(std::string_view& raw) noexcept {
    if (peek() != '"') return fault();
    return take_string<Escapes::valid>(raw) && take(':');
}

bool JsonCursor::take_other_scalar(std::size_t& end) noexcept {
    if (at_end()) return fault();
    const std::string_view text = token();
    end = starts_[next_] + text.size();
    if (!is_scalar(text)) return fault();
    ++next_;
    return true;
}

bool JsonCursor::open(bool is_object) noexcept {
    if (depth_ == json_depth_max) return fault();
    objects_[depth_++] = is_object;
    ++next_;
    return true;
}

std::size_t JsonCursor::close() noexcept {
    --depth_;
    return starts_[next_++] + 1;
}

bool JsonCursor::next_member(Container& container, std::string_view& raw_key) noexcept {
    return enter(container, true) && take_key(raw_key);
}

bool JsonCursor::next_element(Container& container) noexcept {
    return enter(container, false);
}

/// Steps to the next member or element. False if the object or array has ended, or is none.
bool JsonCursor::enter(Container& container, bool is_object) noexcept {
    if (failed_) return false;
    const char closing = is_object ? '}' : ']';
    if (!container.is_entered) {
        if (peek() != (is_object ? '{' : '[')) return fault();
        if (!open(is_object)) return false;
        container.is_entered = true;
        if (peek() != closing) return true;
    } else if (peek() == ',') {
        ++next_;
        return true;
    }
    if (peek() != closing) return fault();
    close();
    return false;
}

template <class Visitor>
void JsonCursor::show_key(Visitor& visitor, std::string_view raw) const {
    visitor.key(raw);
    if (may_name_reference(raw)) visitor.reference(raw, peek(), peek_inside());
}

template <class Visitor>
ByteRange JsonCursor::walk(Visitor& visitor) {
    if (failed_) return {};
    const std::size_t outer = depth_;
    const std::size_t begin = offset();
    std::size_t end = begin;
    std::string_view text;
    while (true) {
        const char first = peek();
        if (first == '{' || first == '[') {
            if (!open(first == '{')) return {};
            if (peek() != closing_bracket()) {
                if (first == '{') {
                    if (!take_key(text)) return {};
                    show_key(visitor, text);
                }
                continue;
            }
            end = close();
        } else if (first == '"') {
            if (!take_string<Escapes::complete>(text)) return {};
            visitor.string(text);
            end = static_cast<std::size_t>(text.data() + text.size() + 1 - text_.data());
        } else {
            if (!take_other_scalar(end)) return {};
            visitor.other_scalar();
        }
        while (depth_ > outer && peek() == closing_bracket()) end = close();
        if (depth_ == outer) return {begin, end - begin};
        if (!take(',')) return {};
        if (objects_[depth_ - 1]) {
            if (!take_key(text)) return {};
            show_key(visitor, text);
        }
    }
}

ByteRange JsonCursor::take_value() noexcept {
    NoVisitor visitor;
    return walk(visitor);
}

ByteRange JsonCursor::take_value(PromptTally& tally) {
    return walk(tally);
}

void JsonCursor::show_reference(std::string_view raw_key, PromptTally& tally) const {
    if (may_name_reference(raw_key)) tally.reference(raw_key, peek(), peek_inside());
}

}  // namespace sluicegate::openai
