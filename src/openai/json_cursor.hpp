#pragma once
/// Walks a JSON text token by token and checks its whole grammar on the way, in one pass and
/// without building anything.
///
/// Errors  the first fault stops it: failed(), and offset() says where. A text is valid only if the
/// walk
///         came to its end without one.
/// Bounds  json_depth_max levels.

#include "sluicegate/openai/inspect_request.hpp"

#include "openai/byte_search.hpp"

#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluicegate::openai {

class PromptTally;

class JsonCursor {
public:
    /// Where one object is: one for each object that is entered.
    struct Place {
        bool is_entered = false;
    };

    /// Views must stay valid; `starts` is index_tokens(text).
    JsonCursor(std::string_view text, std::span<const std::uint32_t> starts) noexcept
        : text_(text), starts_(starts) {}

    /// First byte of the next token, NUL after the last.
    [[nodiscard]] char peek() const noexcept {
        return next_ < starts_.size() ? text_[starts_[next_]] : '\0';
    }
    [[nodiscard]] bool at_end() const noexcept { return next_ == starts_.size(); }

    /// Of the next token; the size of the text after the last.
    [[nodiscard]] std::size_t offset() const noexcept {
        return next_ < starts_.size() ? starts_[next_] : text_.size();
    }
    /// Just behind the bracket that next_member() closed when it returned false.
    [[nodiscard]] std::size_t previous_end() const noexcept { return starts_[next_ - 1] + 1; }

    /// Steps to the next member of the object at the cursor (`place` fresh) or of one that was
    /// entered before. True: `raw_key` is the key between its quotes, with valid escapes, and the
    /// value comes next and must be taken. False: the object was left, or the walk failed.
    bool next_member(Place& place, std::string_view& raw_key) noexcept;

    /// The same for the elements of an array; an element comes next and must be taken.
    bool next_element(Place& place) noexcept;

    /// Steps over one value of any kind; its bytes, trailing white space excluded.
    ByteRange take_value() noexcept;

    /// The same, and tells `tally` what it came by.
    ByteRange take_value(PromptTally& tally) noexcept;

    /// Fails if anything but white space follows.
    void take_end() noexcept {
        if (!failed_ && !at_end()) fault();
    }

    /// Then offset() is that of the token that is wrong, or the text's size where one is missing.
    [[nodiscard]] bool failed() const noexcept { return failed_; }

private:
    enum class Escapes : bool { complete, valid };  ///< what json_text.hpp calls them

    template <class Visitor>
    ByteRange walk(Visitor& visitor) noexcept;
    [[nodiscard]] std::string_view token() const noexcept {
        const std::size_t begin = starts_[next_];
        const std::size_t end = next_ + 1 < starts_.size() ? starts_[next_ + 1] : text_.size();
        return without_space_behind({text_.data() + begin, end - begin});
    }
    template <Escapes escapes>
    bool take_string(std::string_view& raw) noexcept;
    [[nodiscard]] bool has_backslash(std::size_t size) noexcept;
    bool take(char wanted) noexcept;
    bool take_other_scalar(std::size_t& end) noexcept;
    bool open(bool is_object) noexcept;
    std::size_t close() noexcept;
    [[nodiscard]] char closing_bracket() const noexcept { return objects_[depth_ - 1] ? '}' : ']'; }
    bool take_key(std::string_view& raw) noexcept;
    bool enter(Place& place, bool is_object) noexcept;
    bool fault() noexcept {
        failed_ = true;
        return false;
    }

    std::string_view text_;
    std::span<const std::uint32_t> starts_;
    std::size_t next_ = 0;
    std::size_t depth_ = 0;
    /// The first one from some token on, up to which the text has been searched; the text's size
    /// when there is none.
    std::size_t backslash_ = 0;
    std::bitset<json_depth_max> objects_;  // by level: an object, not an array
    bool failed_ = false;
};

}  // namespace sluicegate::openai
