/// One pass over an answer's tokens. Numbers and strings are not checked: the answer goes to the
/// client as it is.

#include "sluicegate/openai/answer_facts.hpp"

#include "sluicegate/openai/metering.hpp"
#include "sluicegate/openai/plausible_usage.hpp"

#include "openai/byte_search.hpp"
#include "openai/json_index.hpp"
#include "openai/member_names.hpp"
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

/// The member whose list or text makes an object an answer of the endpoint.
bool makes_answer(Endpoint endpoint, std::string_view key, char value) noexcept {
    const auto is_list = [&](std::string_view name) { return value == '[' && key == name; };
    switch (endpoint) {
        case Endpoint::chat_completions:
        case Endpoint::completions: return false;  // a choice of use does, see read_choices()
        case Endpoint::responses: return is_list("output");
        case Endpoint::embeddings: return is_list("data") || is_list("embeddings");
        case Endpoint::moderations: return is_list("results");
        case Endpoint::rerank: return is_list("results") || is_list("data");
        case Endpoint::images_generations:
        case Endpoint::images_edits:
        case Endpoint::images_variations: return is_list("data");
        case Endpoint::audio_speech: return value == '"' && (key == "audio" || key == "data");
        case Endpoint::audio_transcriptions:
        case Endpoint::audio_translations:
            return (value == '"' && key == "text") || is_list("segments");
        case Endpoint::models_list:
        case Endpoint::model_get:
        case Endpoint::health: break;
    }
    return true;
}

/// Servers that rank or embed may answer with the bare list of their results.
bool may_answer_with_list(Endpoint endpoint) noexcept {
    return endpoint == Endpoint::rerank || endpoint == Endpoint::embeddings;
}

/// A truthy `error` that is more than an empty list or object, or one whose members are all empty.
bool says_something(std::string_view error) {
    if (!is_truthy(error) || error == "{}" || error == "[]") return false;
    if (!is_object(error)) return true;
    bool has_word = false;
    for_each_member(error, [&](const TextMember& member) {
        has_word = has_word || (is_truthy(member.value) && member.value != "{}");
    });
    return has_word;
}

/// Each choice reports its own output; the prompt is the same for all.
Usage sum_of_choices(const Usage& a, const Usage& b) noexcept {
    Usage out = larger_parts(a, b);
    out.output = std::min(a.output + b.output, usage_max);
    out.reasoning = std::min(a.reasoning + b.reasoning, usage_max);
    out.total = std::min(out.input + out.output, usage_max);
    return out;
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
          endpoint_(endpoint),
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
    std::size_t read_choices(std::size_t index);
    std::size_t read_choice(std::size_t index);
    std::size_t read_message(std::size_t index);
    void read_text(std::string_view key, std::string_view value);
    void read_usage_in(std::string_view object);
    void note_usage(const std::optional<Usage>& usage);
    void note_other(std::string_view key, std::string_view value);

    std::string_view text_;
    std::span<const std::uint32_t> starts_;
    Endpoint endpoint_;
    bool has_output_;
    bool is_response_;
    bool is_sound_ = true;  // for all values so far: see Nesting
    ResponseIds ids_;
    AnswerFacts facts_;
    std::optional<Usage> choices_usage_;  ///< the sum of what stands inside the choices
};

std::string_view AnswerReader::token(std::size_t index) const noexcept {
    const std::size_t begin = starts_[index];
    const std::size_t end = index + 1 < starts_.size() ? starts_[index + 1] : text_.size();
    return without_space_behind({text_.data() + begin, end - begin});
}

std::size_t AnswerReader::skip(std::size_t index) noexcept {
    const std::span<const std::uint32_t> starts = starts_;
    const char* const text = text_.data();
    // Most values are one token.
    if (!opens(at(index)) && !closes(at(index))) return std::min(index + 1, starts.size());
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
                   is_named(string_text(token(index)), "error")) {
            facts_.may_tell_error = true;
        }
        if (nesting.depth() == 0) break;
    }
    is_sound_ = is_sound_ && nesting.is_sound();
    return std::min(index + 1, starts.size());
}

/// A list of choices, each of which is read by its members. Another value is skipped.
std::size_t AnswerReader::read_choices(std::size_t index) {
    if (at(index) != '[') return skip(index);
    ++index;
    while (at(index) == '{') {
        index = read_choice(index);
        if (at(index) != ',') break;
        ++index;
    }
    // Whatever else stands in the list is read to its end.
    Nesting nesting;
    nesting.open('[');
    for (; index < starts_.size(); ++index) {
        const char c = text_[starts_[index]];
        if (opens(c)) {
            nesting.open(c);
        } else if (closes(c)) {
            nesting.close(c);
        }
        if (nesting.depth() == 0) break;
    }
    is_sound_ = is_sound_ && nesting.is_sound();
    return std::min(index + 1, starts_.size());
}

/// A choice is of use if it has a message, or a text, and no error.
std::size_t AnswerReader::read_choice(std::size_t index) {
    bool has_content = false;
    bool has_error = false;
    ++index;
    while (at(index) == '"' && at(index + 1) == ':') {
        const std::string_view key = string_text(token(index));
        const std::size_t begin = index + 2;
        const char first = at(begin);
        if (key == "message") {
            has_content = has_content || (endpoint_ == Endpoint::chat_completions && first == '{');
            index = read_message(begin);
        } else if (key == "text" || key == "finish_reason") {
            const bool is_text = first == '"';
            if (is_text) read_text(key, string_text(token(begin)));
            has_content =
                has_content || (endpoint_ == Endpoint::completions && is_text && key == "text");
            has_error =
                has_error || (is_text && key == "finish_reason" && token(begin) == R"("error")");
            index = skip(begin);
        } else {
            index = skip(begin);
            const std::string_view value = value_text(begin, index);
            if (key == "usage") {
                if (const auto usage = read_usage(value)) {
                    choices_usage_ =
                        choices_usage_ ? sum_of_choices(*choices_usage_, *usage) : *usage;
                }
            } else if (is_named(key, "error")) {
                has_error = has_error || is_truthy(value);
            } else if (holds_words(value) && !is_of_choice(key)) {
                facts_.may_tell_error = true;
            }
        }
        if (at(index) != ',') break;
        ++index;
    }
    if (has_error) facts_.may_tell_error = true;
    facts_.is_answer = facts_.is_answer || (has_content && !has_error);
    if (at(index) == '}') return index + 1;
    // Not an object as it should be: what is left of it ends like any list.
    is_sound_ = false;
    return index;
}

std::size_t AnswerReader::read_message(std::size_t index) {
    if (at(index) != '{') return skip(index);
    ++index;
    while (at(index) == '"' && at(index + 1) == ':') {
        const std::string_view key = string_text(token(index));
        const std::size_t begin = index + 2;
        if (at(begin) == '"') {
            read_text(key, string_text(token(begin)));
            index = skip(begin);
        } else {
            index = read_output(begin);
        }
        if (holds_words(value_text(begin, index)) && !is_of_message(key)) {
            facts_.may_tell_error = true;
        }
        if (at(index) != ',') break;
        ++index;
    }
    if (at(index) == '}') return index + 1;
    is_sound_ = false;
    return index;
}

void AnswerReader::note_usage(const std::optional<Usage>& usage) {
    if (!usage) return;
    facts_.usage = facts_.usage ? larger_parts(*facts_.usage, *usage) : *usage;
}

/// Groq's `x_groq` holds the usage of its streams, and gateways repeat it elsewhere.
void AnswerReader::read_usage_in(std::string_view object) {
    for_each_member(object, [&](const TextMember& member) {
        if (member.key == "usage") note_usage(read_usage(member.value));
    });
}

/// A member that says nothing of the output.
void AnswerReader::note_other(std::string_view key, std::string_view value) {
    if (is_named(key, "error")) {
        facts_.has_error = facts_.has_error || says_something(value);
        facts_.may_tell_error = facts_.may_tell_error || is_truthy(value);
        return;
    }
    const bool is_error = key == "object" && value == R"("error")";
    facts_.has_error = facts_.has_error || is_error;
    if (is_error) facts_.may_tell_error = true;
    if (!holds_words(value) || is_of_answer(key)) return;
    facts_.may_tell_error = true;
    if (is_object(value)) read_usage_in(value);
}

AnswerFacts AnswerReader::run() {
    if (at(0) != '{') {
        facts_.may_tell_error = true;
        const bool is_list = at(0) == '[' && (at(1) == '{' || at(1) == '[');
        const bool tells_error = at(2) == '"' && names_error(string_text(token(2)));
        facts_.is_answer = is_list && may_answer_with_list(endpoint_) && !tells_error;
        return std::move(facts_);
    }
    std::string_view status;
    std::string_view incomplete_details;
    std::size_t i = 1;
    while (at(i) == '"' && at(i + 1) == ':') {
        const std::string_view key = string_text(token(i));
        const std::size_t begin = i + 2;
        const bool has_choices = key == "choices" && has_output_;
        const bool is_output = has_output_ && (key == "output" || key == "content");
        const std::size_t end = has_choices ? read_choices(begin)
                                : is_output ? read_output(begin)
                                            : skip(begin);
        if (makes_answer(endpoint_, key, at(begin))) facts_.is_answer = true;
        if (key == "choices" && !has_output_)
            facts_.may_tell_error = true;  // what else could it be
        if (!has_choices && !is_output) note_other(key, value_text(begin, end));
        if (key == "usage") {
            note_usage(read_usage(value_text(begin, end)));
        } else if (!has_output_ || has_choices || is_output) {
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
    note_usage(choices_usage_);
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
