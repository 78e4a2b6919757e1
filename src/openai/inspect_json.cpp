#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/openai/metering.hpp"

#include "openai/field_check.hpp"
#include "openai/json_cursor.hpp"
#include "openai/json_index.hpp"
#include "openai/json_text.hpp"
#include "openai/model_name.hpp"
#include "openai/prompt_tally.hpp"

#include <algorithm>
#include <optional>

namespace sluicegate::openai {
namespace {

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

/// The names that matter in inner objects, by their numbers.
const FieldNames& option_names() {
    static const FieldNames names{"include_usage", "continuous_usage_stats"};
    return names;
}
const FieldNames& conversation_names() {
    static const FieldNames names{"id"};
    return names;
}

/// Members that are not counted as a part of the prompt where they are scalars.
bool is_setting(Field field) noexcept {
    return field <= Field::best_of;
}

/// What an id may hold: visible ASCII, so that no server reads another one out of it.
bool is_id(std::string_view text) noexcept {
    constexpr std::size_t id_bytes_max = 512;
    return !text.empty() && text.size() <= id_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

/// Reads one body. Its findings are complete after run() succeeded.
class Reader {
public:
    Reader(Endpoint endpoint, std::string_view text, std::span<const std::uint32_t> starts,
           const FieldNames& names, std::string_view default_model)
        : endpoint_(endpoint),
          text_(text),
          cursor_(text, starts),
          names_(names),
          default_model_(default_model),
          check_(names) {}

    Result<Inspection> run();

private:
    Result<void> read_member(FieldNames::Found found, std::string_view raw_key);
    Result<void> read_own(Field field, ByteRange range, std::string_view value);
    void read_choice_of_service(Field field, std::string_view value);
    void take_unread(std::string_view raw_key);
    ByteRange take_setting();
    ByteRange take_inner(std::string_view raw_key);
    Result<void> read_model(std::string_view value);
    Result<void> take_default_model(std::size_t begin);
    Result<void> read_stream_format(std::string_view raw);
    Result<void> read_stream_options();
    Result<void> read_stream_option(std::string_view name, ByteRange range, bool& is_wanted);
    Result<void> read_prompts();
    Result<void> read_id(std::string_view name, std::string_view value, std::string& into) const;
    Result<void> read_conversation();
    Result<void> read_cap(std::string_view name, std::string_view value);
    Result<void> read_choices(std::string_view name, std::string_view value);
    Result<bool> read_bool(std::string_view name, std::string_view value) const;
    Failure syntax_failure() const;

    Endpoint endpoint_;
    std::string_view text_;
    JsonCursor cursor_;
    const FieldNames& names_;
    std::string_view default_model_;
    FieldCheck check_;
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
    const std::size_t begin = cursor_.offset();
    JsonCursor::Container container;
    std::string_view raw_key;
    while (cursor_.next_member(container, raw_key)) {
        const auto found = names_.find_key(raw_key);
        if (!found) {
            take_unread(raw_key);
            continue;
        }
        Result<void> read = read_member(*found, raw_key);
        if (!read) return std::move(read).failure();
    }
    cursor_.take_end();
    if (cursor_.failed()) return syntax_failure();
    Result<void> spelling = check_.finish();
    if (!spelling) return std::move(spelling).failure();
    if (found_.model.empty()) {
        Result<void> taken = take_default_model(begin);
        if (!taken) return std::move(taken).failure();
    }
    if (is_uncapped_) found_.output_cap = -1;
    found_.prompt = tally_.size();
    found_.fields |= tally_.references();
    return std::move(found_);
}

/// For an object that begins at `begin` and names no model.
Result<void> Reader::take_default_model(std::size_t begin) {
    if (default_model_.empty()) {
        return fail(ErrorKind::missing_model, "no model in the body", "model");
    }
    found_.model = default_model_;
    if (found_.model_value.size > 0) return {};
    found_.is_model_absent = true;
    found_.model_value = {begin + 1, 0};
    const std::size_t next = text_.find_first_not_of(" \t\r\n", begin + 1);
    found_.is_body_empty = text_[next] == '}';
    return {};
}

/// A member that means nothing to the gateway.
void Reader::take_unread(std::string_view raw_key) {
    if (raw_key != "metadata") {
        cursor_.take_value(tally_);
        return;
    }
    // The client's own words, in which any key is a word like any other.
    PromptTally own_words;
    cursor_.take_value(own_words);
    tally_.add(own_words.size());
}

Result<void> Reader::read_member(FieldNames::Found found, std::string_view raw_key) {
    Result<void> once =
        found.is_exact ? check_.take(found, {}) : check_.take(found, decode_string(raw_key));
    if (!once) return once;
    const std::size_t number = found.number;
    if (cursor_.peek() != 'n') found_.fields[number] = true;
    // Refused at the end; until then its value is only stepped over.
    const bool is_own = found.is_exact && number < own_fields;
    const Field field = is_own ? static_cast<Field>(number) : Field::count_;
    switch (field) {
        case Field::prompt: return read_prompts();
        case Field::stream_options:
            if (cursor_.peek() == '{') return read_stream_options();
            break;
        case Field::conversation:
            if (cursor_.peek() == '{') return read_conversation();
            break;
        default: break;
    }
    const ByteRange range = is_setting(field) ? take_setting() : cursor_.take_value(tally_);
    if (cursor_.failed()) return syntax_failure();
    return is_own ? read_own(field, range, text_.substr(range.offset, range.size)) : Result<void>();
}

/// Steps over a value that is no part of the prompt. Ids of what is stored count there too.
ByteRange Reader::take_setting() {
    const bool is_scalar = cursor_.peek() != '{' && cursor_.peek() != '[';
    return is_scalar ? cursor_.take_value() : cursor_.take_value(tally_);
}

/// The same for a member of an object that is read here.
ByteRange Reader::take_inner(std::string_view raw_key) {
    cursor_.show_reference(raw_key, tally_);
    return take_setting();
}

/// `background` and `service_tier`.
void Reader::read_choice_of_service(Field field, std::string_view value) {
    const std::string_view raw = value.substr(1, value.size() - 2);
    const bool is_text = value.front() == '"' && has_valid_escapes(raw);
    const auto harmful =
        is_text ? harmful_field(field, decode_string(raw)) : harmful_field(field, value);
    if (harmful) found_.fields[number_of(*harmful)] = true;
}

Result<void> Reader::read_own(Field field, ByteRange range, std::string_view value) {
    const std::string_view name = names_.name_of(number_of(field));
    if (name == conversation_key(endpoint_)) found_.conversation = range;
    if (field == Field::stream_options) found_.stream_options = range;
    if (field == Field::model) found_.model_value = range;
    if (value == "null") return {};
    switch (field) {
        case Field::model: return read_model(value);
        case Field::stream: {
            Result<bool> stream = read_bool(name, value);
            if (!stream) return std::move(stream).failure();
            if (streams_on_request(endpoint_)) found_.is_streaming = *stream;
            return {};
        }
        case Field::stream_options: return wrong_type(name, "an object");
        case Field::stream_format:
            if (endpoint_ != Endpoint::audio_speech) return {};
            if (value.front() != '"') return wrong_type(name, "a string");
            return read_stream_format(value.substr(1, value.size() - 2));
        case Field::max_tokens:
        case Field::max_completion_tokens:
        case Field::max_output_tokens: return read_cap(name, value);
        case Field::best_of:
            if (endpoint_ != Endpoint::completions) return {};
            return read_choices(name, value);
        case Field::n: {
            auto read = read_choices(name, value);
            if (read) {
                found_.returned_choices =
                    static_cast<std::int32_t>(integer_from(value).value_or(1));
            }
            return read;
        }
        case Field::background:
        case Field::service_tier: read_choice_of_service(field, value); return {};
        case Field::previous_response_id: return read_id(name, value, found_.previous_response_id);
        case Field::conversation: return read_id(name, value, found_.conversation_id);
        default: return {};
    }
}

/// Endpoints other than responses have no such members. What could be an id is checked there like
/// one, since some server may read it, and anything else passes.
Result<void> Reader::read_id(std::string_view name, std::string_view value,
                             std::string& into) const {
    const std::string_view raw = value.substr(1, value.size() - 2);
    const bool is_text = value.front() == '"' && has_valid_escapes(raw);
    std::string id = is_text ? decode_string(raw) : std::string();
    if (is_id(id)) {
        into = std::move(id);
    } else if (endpoint_ == Endpoint::responses) {
        return wrong_type(name, "an id");
    }
    return {};
}

/// `{"id": …}`
Result<void> Reader::read_conversation() {
    JsonCursor::Container container;
    std::string_view raw_key;
    while (cursor_.next_member(container, raw_key)) {
        const auto found = conversation_names().find_key(raw_key);
        const ByteRange range = take_inner(raw_key);
        if (cursor_.failed()) break;
        if (!found) continue;
        if (!found->is_exact) {
            return fail(ErrorKind::misspelt_field, "another spelling in conversation",
                        misspelt_subject("conversation.id", decode_string(raw_key)));
        }
        if (!found_.conversation_id.empty()) {
            return fail(ErrorKind::duplicate_field, "twice in conversation", "conversation.id");
        }
        Result<void> read = read_id("conversation.id", text_.substr(range.offset, range.size),
                                    found_.conversation_id);
        if (!read) return read;
    }
    return cursor_.failed() ? Result<void>(syntax_failure()) : Result<void>();
}

Result<void> Reader::read_stream_format(std::string_view raw) {
    if (!has_valid_escapes(raw)) {
        return fail(ErrorKind::invalid_body, "half a character", "stream_format");
    }
    found_.is_streaming = decodes_to(raw, "sse");
    return {};
}

Result<void> Reader::read_model(std::string_view value) {
    if (value.front() != '"') return wrong_type("model", "a string");
    // Longer than the longest name would be with every byte escaped.
    if (value.size() > model_bytes_max * 6 + 2) {
        return fail(ErrorKind::invalid_body, "model name too long", "model");
    }
    const std::string_view raw = value.substr(1, value.size() - 2);
    if (!has_valid_escapes(raw)) return fail(ErrorKind::invalid_body, "half a character", "model");
    found_.model = decode_string(raw);
    // An empty one is as good as none.
    if (found_.model.empty()) return {};
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
        const auto found = option_names().find_key(raw_key);
        const ByteRange range = take_inner(raw_key);
        if (cursor_.failed()) break;
        if (!found) continue;
        const bool is_usage = found->number == 0;
        ByteRange& value_range = is_usage ? found_.include_usage : found_.continuous_usage_stats;
        const std::string_view name =
            is_usage ? "stream_options.include_usage" : "stream_options.continuous_usage_stats";
        if (!found->is_exact) {
            return fail(ErrorKind::misspelt_field, "another spelling in stream_options",
                        misspelt_subject(name, decode_string(raw_key)));
        }
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
    std::int32_t prompts = 0;  // fewer than tokens, which are bounded
    while (cursor_.next_element(container)) {
        if (cursor_.peek() == '"' || cursor_.peek() == '[') ++prompts;
        cursor_.take_value(tally_);
    }
    if (cursor_.failed()) return syntax_failure();
    found_.prompts = std::max(prompts, 1);
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
    found_.choices = std::max(found_.choices, static_cast<std::int32_t>(*choices));
    return {};
}

Result<bool> Reader::read_bool(std::string_view name, std::string_view value) const {
    if (value == "true") return true;
    if (value == "false") return false;
    return wrong_type(name, "true or false");
}

}  // namespace

Result<Inspection> inspect_json(Endpoint endpoint, const char* data, std::size_t size,
                                const FieldNames& names, std::string_view default_model) {
    const std::string_view text(data, size);
    if (text.empty()) return fail(ErrorKind::empty_body, "no body");
    auto starts = index_tokens(text);
    if (!starts) return std::move(starts).failure();
    return Reader(endpoint, text, *starts, names, default_model).run();
}

}  // namespace sluicegate::openai
