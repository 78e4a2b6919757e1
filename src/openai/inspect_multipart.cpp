#include "sluicegate/openai/inspect_request.hpp"

#include "openai/content_type.hpp"
#include "openai/field_check.hpp"
#include "openai/json_cursor.hpp"
#include "openai/json_index.hpp"
#include "openai/json_text.hpp"
#include "openai/model_name.hpp"
#include "openai/multipart_reader.hpp"
#include "openai/prompt_tally.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

/// RFC 2046, 5.1.1.
bool is_boundary(std::string_view text) noexcept {
    constexpr std::size_t boundary_bytes_max = 70;
    constexpr std::string_view marks = "'()+_,-./:=? ";
    const auto is_boundary_char = [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != std::string_view::npos;
    };
    return !text.empty() && text.size() <= boundary_bytes_max && text.back() != ' ' &&
           std::all_of(text.begin(), text.end(), is_boundary_char);
}

bool is_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_utf8(const std::optional<std::string>& charset) noexcept {
    return !charset || *charset == "utf-8" || *charset == "utf8" || *charset == "us-ascii";
}

/// In these charsets ASCII text is written as in UTF-8: for it they make no difference.
bool holds_ascii(std::string_view charset) noexcept {
    constexpr std::string_view charsets[] = {"us-ascii",    "ascii",     "utf-8",   "utf8",
                                             "iso-8859-",   "iso_8859-", "iso8859", "latin1",
                                             "windows-125", "cp125"};
    return std::any_of(std::begin(charsets), std::end(charsets),
                       [&](std::string_view known) { return charset.starts_with(known); });
}

/// The part is no file, but text that all parsers read in the same way, whatever type and charset
/// they believe in. `application/octet-stream` is a file to some of them.
bool is_plain_field(const Part& part) {
    if (part.is_file) return false;
    if (!part.content_type) return true;
    const std::optional<ContentType> type = parse_content_type(*part.content_type);
    if (!type) return false;
    const bool is_text = type->media_type == "text/plain";
    // A JSON string has quotes, and some parsers take them off.
    const bool is_bare_json =
        type->media_type == "application/json" && !part.value.starts_with('"');
    if (!is_text && !is_bare_json) return false;
    return is_utf8(type->charset) || (holds_ascii(*type->charset) && is_ascii(part.value));
}

/// Reads a boolean as the frameworks do that serve models.
std::optional<bool> bool_from(std::string_view text) {
    const std::string word = lower_case(text);
    constexpr std::string_view truths[] = {"true", "1", "on", "yes", "t", "y"};
    constexpr std::string_view falsehoods[] = {"false", "0", "off", "no", "f", "n"};
    if (std::find(std::begin(truths), std::end(truths), word) != std::end(truths)) return true;
    if (std::find(std::begin(falsehoods), std::end(falsehoods), word) != std::end(falsehoods)) {
        return false;
    }
    return std::nullopt;
}

bool takes_audio(Endpoint endpoint) noexcept {
    return endpoint == Endpoint::audio_transcriptions || endpoint == Endpoint::audio_translations;
}

void count_part(Endpoint endpoint, const Part& part, PromptSize& prompt) noexcept {
    const auto bytes = static_cast<std::int64_t>(part.value.size());
    if (!part.is_file) {
        prompt.text_bytes += bytes;
    } else if (takes_audio(endpoint)) {
        prompt.audio_bytes += bytes;
    } else {
        ++prompt.media_parts;
    }
}

/// The ids of what is stored that a part of JSON holds.
FieldSet ids_in_json(const Part& part) {
    if (part.is_file || !part.content_type) return {};
    const std::optional<ContentType> type = parse_content_type(*part.content_type);
    if (!type || !type->media_type.ends_with("json")) return {};
    const auto starts = index_tokens(part.value);
    if (!starts) return {};
    PromptTally tally;
    JsonCursor(part.value, *starts).take_value(tally);
    return tally.references();
}

/// Reads a field that the gateway needs; of the others it looks at the name, and at JSON.
Result<void> read_field(Endpoint endpoint, const Part& part, std::string_view body,
                        const FieldNames& names, FieldCheck& check, bool& has_model_part,
                        Inspection& out) {
    if (equals_ignoring_case(part.name, "_charset_")) {
        return fail(ErrorKind::invalid_body, "multipart: a form with its own charset", part.name);
    }
    out.fields |= ids_in_json(part);
    const auto found = names.find_part(part.name);
    if (!found) {
        out.fields |= names.ids_in_part(part.name);
        return {};
    }
    Result<void> once = check.take(*found, part.name);
    if (!once) return once;
    out.fields[found->number] = true;
    if (!found->is_exact || found->number >= own_fields) return {};
    const auto field = static_cast<Field>(found->number);
    if (const auto harmful = harmful_field(field, part.value)) {
        out.fields[number_of(*harmful)] = true;
    }
    const bool is_model = field == Field::model;
    const bool is_stream = field == Field::stream;
    if (!is_model && !is_stream && field != Field::n) return {};
    if (!is_plain_field(part)) return fail(ErrorKind::invalid_type, "not plain text", part.name);

    if (is_model) {
        out.model_value = {static_cast<std::size_t>(part.value.data() - body.data()),
                           part.value.size()};
        has_model_part = true;
        // An empty one is as good as none.
        if (part.value.empty()) return {};
        if (!is_model_name(part.value)) {
            return fail(ErrorKind::invalid_body, "not a model name", part.name);
        }
        out.model = part.value;
    } else if (is_stream) {
        const std::optional<bool> stream = bool_from(part.value);
        if (!stream) return fail(ErrorKind::invalid_type, "not true or false", part.name);
        out.is_streaming = *stream && streams_on_request(endpoint);
    } else {
        const std::optional<std::int64_t> choices = integer_from(part.value);
        if (!choices) return fail(ErrorKind::invalid_type, "not an integer", part.name);
        if (*choices < 1 || *choices > choices_max) {
            return fail(ErrorKind::invalid_body, "not 1 to 128", part.name);
        }
        out.choices = static_cast<std::int32_t>(*choices);
        out.returned_choices = out.choices;
    }
    return {};
}

}  // namespace

Result<Inspection> inspect_multipart(Endpoint endpoint, std::string_view content_type,
                                     std::string_view body, const FieldNames& names,
                                     std::string_view default_model) {
    const std::optional<ContentType> type = parse_content_type(content_type);
    const bool is_form = type && type->media_type == "multipart/form-data";
    if (!is_form || (!is_utf8(type->charset) && !holds_ascii(*type->charset))) {
        return fail(ErrorKind::unsupported_media_type, "not multipart/form-data");
    }
    if (!type->boundary || !is_boundary(*type->boundary)) {
        return fail(ErrorKind::invalid_body, "multipart: no usable boundary");
    }
    if (body.empty()) return fail(ErrorKind::invalid_body, "no body", "it is empty");
    const bool must_be_ascii = !is_utf8(type->charset);
    Inspection out;
    out.is_multipart = true;
    FieldCheck check(names);
    MultipartReader reader(*type->boundary, body);
    std::size_t parts = 0;
    bool has_model_part = false;
    while (true) {
        Result<std::optional<Part>> part = reader.next();
        if (!part) return std::move(part).failure();
        if (!part->has_value()) break;
        ++parts;
        const Part& one = **part;
        const bool is_text_ascii = is_ascii(one.name) && (one.is_file || is_ascii(one.value));
        if (must_be_ascii && !is_text_ascii) {
            return fail(ErrorKind::unsupported_media_type, "not multipart/form-data in UTF-8",
                        "send multipart/form-data in UTF-8");
        }
        Result<void> read = read_field(endpoint, one, body, names, check, has_model_part, out);
        if (!read) return std::move(read).failure();
        count_part(endpoint, one, out.prompt);
    }
    Result<void> spelling = check.finish();
    if (!spelling) return std::move(spelling).failure();
    out.stream_options = {reader.form_begin(), reader.form_end() - reader.form_begin()};
    if (!out.model.empty()) return out;
    if (default_model.empty() || parts == 0) {
        return fail(ErrorKind::missing_model, "no part named model", "model");
    }
    out.model = default_model;
    out.is_model_absent = !has_model_part;
    if (out.is_model_absent) out.model_value = {out.form().offset, 0};
    return out;
}

}  // namespace sluicegate::openai
