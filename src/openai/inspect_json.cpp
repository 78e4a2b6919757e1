#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/openai/metering.hpp"

#include "openai/json_cursor.hpp"
#include "openai/json_index.hpp"
#include "openai/json_text.hpp"
#include "openai/model_name.hpp"
#include "openai/prompt_tally.hpp"

#include <algorithm>
#include <optional>

namespace sluicegate::openai {
namespace {

enum class Key : std::uint8_t {
    model,
    stream,
    stream_options,
    stream_format,
    max_tokens,
    max_completion_tokens,
    max_output_tokens,
    n,
    best_of,
    prompt,
    count_
};
constexpr auto key_count = static_cast<std::size_t>(Key::count_);
// In the order of the enumeration.
constexpr std::string_view key_names[key_count] = {"model",
                                                   "stream",
                                                   "stream_options",
                                                   "stream_format",
                                                   "max_tokens",
                                                   "max_completion_tokens",
                                                   "max_output_tokens",
                                                   "n",
                                                   "best_of",
                                                   "prompt"};

std::optional<Key> key_from(std::string_view raw) {
    const std::string decoded = has_escape(raw) ? decode_string(raw) : std::string();
    const std::string_view key = decoded.empty() ? raw : std::string_view(decoded);
    for (std::size_t i = 0; i < key_count; ++i) {
        if (key == key_names[i]) return static_cast<Key>(i);
    }
    return std::nullopt;
}

/// The key of the member that becomes Inspection::conversation; "" if there is none. For
/// completions, read_prompts() finds it.
constexpr std::string_view conversation_key(Endpoint endpoint) noexcept {
    switch (endpoint) {
        case Endpoint::chat_completions: return "messages";
        case Endpoint::responses:
        case Endpoint::embeddings: return "input";
        default: return {};
    }
}

Failure wrong_type(std::string_view subject, std::string_view wanted) {
    return fail(ErrorKind::invalid_type, "not " + std::string(wanted), std::string(subject));
}

/// Reads one body. Its findings are complete after run() succeeded.
class Reader {
public:
    Reader(Endpoint endpoint, std::string_view text, std::span<const std::uint32_t> starts)
        : endpoint_(endpoint), text_(text), cursor_(text, starts) {}

    Result<Inspection> run();

private:
    Result<void> read_member(Key key);
    Result<void> read_model(ByteRange range, std::string_view value);
    Result<void> read_stream_format(std::string_view raw);
    Result<void> read_stream_options();
    Result<void> read_stream_option(std::string_view name, ByteRange range, bool& is_wanted);
    Result<void> read_prompts();
    Result<void> read_cap(std::string_view name, std::string_view value);
    Result<void> read_choices(std::string_view name, std::string_view value);
    Result<bool> read_bool(std::string_view name, std::string_view value) const;
    Failure syntax_failure() const;

    Endpoint endpoint_;
    std::string_view text_;
    JsonCursor cursor_;
    std::bitset<key_count> seen_;
    bool is_uncapped_ = false;
    PromptTally tally_;
    Inspection found_;
};

Failure Reader::syntax_failure() const {
    return fail(ErrorKind::invalid_json, "not JSON, or nested too deeply",
                std::to_string(cursor_.offset()));
}

Result<Inspection> Reader::run() {
    if (cursor_.peek() != '{') {
        cursor_.take_value();
        cursor_.take_end();
        if (cursor_.failed()) return syntax_failure();
        return fail(ErrorKind::invalid_body, "not a JSON object");
    }
    JsonCursor::Container container;
    std::string_view raw_key;
    while (cursor_.next_member(container, raw_key)) {
        const std::optional<Key> key = key_from(raw_key);
        if (!key) {
            const ByteRange range = cursor_.take_value(tally_);
            if (raw_key == conversation_key(endpoint_)) found_.conversation = range;
            continue;
        }
        const auto index = static_cast<std::size_t>(*key);
        if (seen_[index]) {
            return fail(ErrorKind::duplicate_field, "twice in the body",
                        std::string(key_names[index]));
        }
        seen_[index] = true;
        Result<void> read = read_member(*key);
        if (!read) return std::move(read).failure();
    }
    cursor_.take_end();
    if (cursor_.failed()) return syntax_failure();
    if (found_.model.empty())
        return fail(ErrorKind::missing_model, "no model in the body", "model");
    if (is_uncapped_) found_.output_cap = -1;
    found_.prompt = tally_.size();
    return std::move(found_);
}

Result<void> Reader::read_member(Key key) {
    if (key == Key::stream_options && cursor_.peek() == '{') return read_stream_options();
    if (key == Key::prompt) return read_prompts();
    const std::string_view name = key_names[static_cast<std::size_t>(key)];
    const ByteRange range = cursor_.take_value();
    if (cursor_.failed()) return syntax_failure();
    const std::string_view value = text_.substr(range.offset, range.size);
    if (key == Key::stream_options) found_.stream_options = range;
    if (value == "null") return {};
    switch (key) {
        case Key::model: return read_model(range, value);
        case Key::stream: {
            Result<bool> stream = read_bool(name, value);
            if (!stream) return std::move(stream).failure();
            if (streams_on_request(endpoint_)) found_.is_streaming = *stream;
            return {};
        }
        case Key::stream_options: return wrong_type(name, "an object");
        case Key::stream_format:
            if (endpoint_ != Endpoint::audio_speech) return {};
            if (value.front() != '"') return wrong_type(name, "a string");
            return read_stream_format(value.substr(1, value.size() - 2));
        case Key::max_tokens:
        case Key::max_completion_tokens:
        case Key::max_output_tokens: return read_cap(name, value);
        case Key::best_of:
            if (endpoint_ != Endpoint::completions) return {};
            return read_choices(name, value);
        case Key::n: return read_choices(name, value);
        case Key::prompt:
        case Key::count_: break;
    }
    return {};
}

Result<void> Reader::read_stream_format(std::string_view raw) {
    if (!has_valid_escapes(raw)) {
        return fail(ErrorKind::invalid_body, "half a character", "stream_format");
    }
    found_.is_streaming = decodes_to(raw, "sse");
    return {};
}

Result<void> Reader::read_model(ByteRange range, std::string_view value) {
    if (value.front() != '"') return wrong_type("model", "a string");
    // Longer than the longest name would be with every byte escaped.
    if (value.size() > model_bytes_max * 6 + 2) {
        return fail(ErrorKind::invalid_body, "model name too long", "model");
    }
    const std::string_view raw = value.substr(1, value.size() - 2);
    if (!has_valid_escapes(raw)) return fail(ErrorKind::invalid_body, "half a character", "model");
    found_.model = decode_string(raw);
    found_.model_value = range;
    if (found_.model.empty()) return fail(ErrorKind::missing_model, "empty model", "model");
    if (!is_model_name(found_.model)) {
        return fail(ErrorKind::invalid_body, "not a model name", "model");
    }
    return {};
}

Result<void> Reader::read_stream_options() {
    const std::size_t begin = cursor_.offset();
    JsonCursor::Container container;
    std::string_view raw_key;
    found_.stream_options_empty = true;
    while (cursor_.next_member(container, raw_key)) {
        found_.stream_options_empty = false;
        const bool is_usage = decodes_to(raw_key, "include_usage");
        const bool is_continuous = decodes_to(raw_key, "continuous_usage_stats");
        const ByteRange range = cursor_.take_value();
        if (cursor_.failed()) break;
        if (!is_usage && !is_continuous) continue;
        ByteRange& value_range = is_usage ? found_.include_usage : found_.continuous_usage_stats;
        const std::string_view name =
            is_usage ? "stream_options.include_usage" : "stream_options.continuous_usage_stats";
        if (value_range.size > 0) {
            return fail(ErrorKind::duplicate_field, "twice in stream_options", std::string(name));
        }
        value_range = range;
        Result<void> read = read_stream_option(
            name, range, is_usage ? found_.wants_usage : found_.wants_continuous_usage);
        if (!read) return read;
    }
    if (cursor_.failed()) return syntax_failure();
    found_.has_stream_options = true;
    found_.stream_options = {begin, cursor_.previous_end() - begin};
    return {};
}

Result<void> Reader::read_stream_option(std::string_view name, ByteRange range, bool& is_wanted) {
    const std::string_view value = text_.substr(range.offset, range.size);
    if (value == "null") return {};
    Result<bool> wanted = read_bool(name, value);
    if (!wanted) return std::move(wanted).failure();
    is_wanted = *wanted;
    return {};
}

/// For completions. Each element of an array is a prompt, unless it is a token id.
Result<void> Reader::read_prompts() {
    const bool is_prompt = endpoint_ == Endpoint::completions;
    if (!is_prompt || cursor_.peek() != '[') {
        const ByteRange range = cursor_.take_value(tally_);
        if (is_prompt) found_.conversation = range;
        return cursor_.failed() ? Result<void>(syntax_failure()) : Result<void>();
    }
    const std::size_t begin = cursor_.offset();
    JsonCursor::Container container;
    std::int64_t prompts = 0;
    while (cursor_.next_element(container)) {
        if (cursor_.peek() == '"' || cursor_.peek() == '[') ++prompts;
        cursor_.take_value(tally_);
    }
    if (cursor_.failed()) return syntax_failure();
    found_.prompts = std::max<std::int64_t>(prompts, 1);
    found_.conversation = {begin, cursor_.previous_end() - begin};
    return {};
}

Result<void> Reader::read_cap(std::string_view name, std::string_view value) {
    const auto& fields = metering_of(endpoint_).cap_fields;
    if (std::find(fields.begin(), fields.end(), name) == fields.end()) return {};
    const std::optional<std::int64_t> cap = integer_from(value);
    if (!cap) return wrong_type(name, "an integer");
    if (*cap < -1) return fail(ErrorKind::invalid_body, "negative", std::string(name));
    if (*cap == -1) is_uncapped_ = true;
    found_.output_cap = std::max(found_.output_cap, std::min(*cap, output_cap_max));
    return {};
}

Result<void> Reader::read_choices(std::string_view name, std::string_view value) {
    const std::optional<std::int64_t> choices = integer_from(value);
    if (!choices) return wrong_type(name, "an integer");
    if (*choices < 1 || *choices > choices_max) {
        return fail(ErrorKind::invalid_body, "not 1 to 128", std::string(name));
    }
    found_.choices = std::max(found_.choices, *choices);
    return {};
}

Result<bool> Reader::read_bool(std::string_view name, std::string_view value) const {
    if (value == "true") return true;
    if (value == "false") return false;
    return wrong_type(name, "true or false");
}

}  // namespace

Result<Inspection> inspect_json(Endpoint endpoint, const char* data, std::size_t size) {
    const std::string_view text(data, size);
    auto starts = index_tokens(text);
    if (!starts) return std::move(starts).failure();
    return Reader(endpoint, text, *starts).run();
}

}  // namespace sluicegate::openai
