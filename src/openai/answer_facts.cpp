/// One pass over an answer's tokens. Numbers and strings are not checked: the answer goes to the
/// client as it is.

#include "sluicegate/openai/answer_facts.hpp"

#include "sluicegate/openai/metering.hpp"

#include "openai/byte_search.hpp"
#include "openai/json_index.hpp"
#include "openai/text_scanner.hpp"
#include "openai/top_level.hpp"
#include "openai/usage_object.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <utility>

namespace sluicegate::openai {
namespace {

/// True for members whose strings are generated text, at any depth inside the answer's output.
bool holds_text(std::string_view key) noexcept {
    constexpr std::string_view keys[] = {"content",   "text",    "arguments", "reasoning_content",
                                         "reasoning", "refusal", "thinking",  "transcript"};
    return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

/// Members of an answer as a whole in which servers tell errors. `object` and `type` say in answers
/// what they are, so their values decide.
bool tells_errors(std::string_view key) noexcept {
    constexpr std::string_view keys[] = {"error",      "errors",        "detail", "message",
                                         "error_type", "error_message", "fault",  "statusCode"};
    return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

bool opens(char c) noexcept {
    return c == '{' || c == '[';
}

bool closes(char c) noexcept {
    return c == '}' || c == ']';
}

/// The value of AnswerFacts::is_whole for a text with these tokens.
bool is_whole(std::string_view text, std::span<const std::uint32_t> starts) {
    std::string open;  // the brackets that are open, innermost last
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const char c = text[starts[i]];
        if (opens(c)) {
            open += c;
        } else if (closes(c)) {
            if (open.empty() || open.back() != (c == '}' ? '{' : '[')) return false;
            open.pop_back();
            if (open.empty()) return i + 1 == starts.size();
        } else if (i == 0) {
            return false;
        }
    }
    return false;
}

/// The open brackets inside one value. A 64-bit word remembers the kinds of the innermost ones.
class Nesting {
public:
    void open(char c) noexcept {
        kinds_ = kinds_ << 1U | (c == '{' ? 1U : 0U);
        if (++depth_ > levels_max) is_sound_ = false;
    }
    void close(char c) noexcept {
        if (depth_ == 0 || (kinds_ & 1U) != (c == '}' ? 1U : 0U)) is_sound_ = false;
        if (depth_ > 0) --depth_;
        kinds_ >>= 1U;
    }
    [[nodiscard]] std::size_t depth() const noexcept { return depth_; }
    /// Every closing bracket matched the open one. False also if that is not known.
    [[nodiscard]] bool is_sound() const noexcept { return is_sound_; }

private:
    static constexpr std::size_t levels_max = 64;

    std::uint64_t kinds_ = 0;  // the innermost in the lowest bit; 1 is an object
    std::size_t depth_ = 0;
    bool is_sound_ = true;
};

class AnswerReader {
public:
    AnswerReader(std::string_view text, std::span<const std::uint32_t> starts,
                 Endpoint endpoint) noexcept
        : text_(text),
          starts_(starts),
          has_output_(metering_of(endpoint).has_output),
          is_response_(endpoint == Endpoint::responses) {}

    AnswerFacts run();

private:
    [[nodiscard]] char at(std::size_t index) const noexcept {
        return index < starts_.size() ? text_[starts_[index]] : '\0';
    }
    /// One token, without the white space after it.
    [[nodiscard]] std::string_view token(std::size_t index) const noexcept;
    /// The index after the value that begins at `index`.
    [[nodiscard]] std::size_t skip(std::size_t index) noexcept;
    [[nodiscard]] std::string_view value_text(std::size_t begin, std::size_t end) const noexcept;
    std::size_t read_output(std::size_t index);
    void read_text(std::string_view key, std::string_view value);

    std::string_view text_;
    std::span<const std::uint32_t> starts_;
    bool has_output_;
    bool is_response_;
    bool is_sound_ = true;  // for all values so far: see Nesting
    ResponseIds ids_;
    AnswerFacts facts_;
};

std::string_view AnswerReader::token(std::size_t index) const noexcept {
    const std::size_t begin = starts_[index];
    const std::size_t end = index + 1 < starts_.size() ? starts_[index + 1] : text_.size();
    return without_space_behind({text_.data() + begin, end - begin});
}

std::size_t AnswerReader::skip(std::size_t index) noexcept {
    const std::span<const std::uint32_t> starts = starts_;
    const char* const text = text_.data();
    Nesting nesting;
    for (; index < starts.size(); ++index) {
        const char c = text[starts[index]];
        if (opens(c)) {
            nesting.open(c);
        } else if (closes(c)) {
            nesting.close(c);
        }
        if (nesting.depth() == 0) break;
    }
    is_sound_ = is_sound_ && nesting.is_sound();
    return std::min(index + 1, starts.size());
}

std::string_view AnswerReader::value_text(std::size_t begin, std::size_t end) const noexcept {
    if (begin >= end) return {};
    const std::size_t first = starts_[begin];
    const std::string_view last = token(end - 1);
    const std::size_t size = starts_[end - 1] + last.size() - first;
    return text_.substr(first, size);
}

void AnswerReader::read_text(std::string_view key, std::string_view value) {
    if (key == "error") facts_.may_tell_error = true;
    if (holds_text(key)) facts_.output_bytes += static_cast<std::int64_t>(value.size());
    if (key == "finish_reason" && facts_.finish_reason.empty()) {
        facts_.finish_reason = reason_word(value);
    }
}

/// Reads text and finish reasons at any depth. Returns the index after the value.
std::size_t AnswerReader::read_output(std::size_t index) {
    const std::span<const std::uint32_t> starts = starts_;
    const char* const text = text_.data();
    Nesting nesting;
    for (; index < starts.size(); ++index) {
        const char c = text[starts[index]];
        if (opens(c)) {
            nesting.open(c);
        } else if (closes(c)) {
            nesting.close(c);
        } else if (c == '"' && nesting.depth() > 0 && at(index + 1) == ':' &&
                   at(index + 2) == '"') {
            read_text(string_text(token(index)), string_text(token(index + 2)));
            index += 2;
        } else if (c == '"' && at(index + 1) == ':' && at(index + 2) == '{' &&
                   string_text(token(index)) == "error") {
            facts_.may_tell_error = true;
        }
        if (nesting.depth() == 0) break;
    }
    is_sound_ = is_sound_ && nesting.is_sound();
    return std::min(index + 1, starts.size());
}

AnswerFacts AnswerReader::run() {
    if (at(0) != '{') {
        facts_.may_tell_error = true;
        return std::move(facts_);
    }
    std::string_view status;
    std::string_view incomplete_details;
    std::size_t i = 1;
    while (at(i) == '"' && at(i + 1) == ':') {
        const std::string_view key = string_text(token(i));
        const std::size_t begin = i + 2;
        const bool may_be_output = key == "choices" || key == "output" || key == "content";
        const bool is_output = has_output_ && may_be_output;
        if (may_be_output && !has_output_) facts_.may_tell_error = true;  // what else could it be
        const std::size_t end = is_output ? read_output(begin) : skip(begin);
        if (tells_errors(key) && is_truthy(value_text(begin, end))) facts_.may_tell_error = true;
        if (key == "usage") {
            facts_.usage = read_usage(value_text(begin, end));
        } else if (!has_output_ || is_output) {
            // Without output only the usage matters; the output itself was read above.
        } else if (key == "text") {
            facts_.output_bytes +=
                static_cast<std::int64_t>(string_text(value_text(begin, end)).size());
        } else if (key == "stop_reason") {
            facts_.finish_reason = reason_word(string_text(value_text(begin, end)));
        } else if (key == "status") {
            status = string_text(value_text(begin, end));
        } else if (key == "incomplete_details") {
            incomplete_details = value_text(begin, end);
        } else if (is_response_) {
            read_id_member(key, value_text(begin, end), ids_);
        }
        if (at(end) != ',') {
            const bool is_last = at(end) == '}' && end + 1 == starts_.size();
            facts_.is_whole = is_sound_ && is_last;
            break;
        }
        i = end + 1;
    }
    if (facts_.finish_reason.empty()) {
        facts_.finish_reason = response_reason(status, incomplete_details);
    }
    facts_.response_id = std::move(ids_.response);
    facts_.conversation_id = std::move(ids_.conversation);
    return std::move(facts_);
}

}  // namespace

AnswerFacts facts_of_answer(Endpoint endpoint, std::string_view json_body) {
    const auto starts = index_tokens(json_body);
    if (!starts) {
        // Usually half a character in the text, or its end is missing. Some of it can be read.
        AnswerFacts facts;
        facts.usage = read_usage(scan_top_level(json_body).usage);
        if (endpoint == Endpoint::responses) {
            ResponseIds ids = response_ids_in(json_body);
            facts.response_id = std::move(ids.response);
            facts.conversation_id = std::move(ids.conversation);
        }
        return facts;
    }
    AnswerFacts facts = AnswerReader(json_body, *starts, endpoint).run();
    // The text may be whole although the reader stopped early.
    if (!facts.is_whole) facts.is_whole = is_whole(json_body, *starts);
    return facts;
}

}  // namespace sluicegate::openai
