#include "sluicegate/openai/normalise_error.hpp"

#include "openai/bounded_json.hpp"
#include "openai/member_names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluicegate::openai {
namespace {

using Json = nlohmann::json;

/// At most `size` bytes of `text`, never cut inside a character.
std::string cut(std::string_view text, std::size_t size) {
    if (text.size() > size) {
        while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
        text = text.substr(0, size);
    }
    return std::string(text);
}

std::string generic_message(unsigned status) {
    return "The upstream answered with status " + std::to_string(status) + ".";
}

std::string type_for(unsigned status) {
    switch (status) {
        case 401: return "authentication_error";
        case 403: return "permission_error";
        case 429: return "rate_limit_error";
        default: break;
    }
    return status >= 500 ? "server_error" : "invalid_request_error";
}

/// A member of an object, or null.
const Json& member(const Json& object, const char* name) {
    static const Json absent;
    if (!object.is_object()) return absent;
    const auto found = object.find(name);
    return found == object.end() ? absent : *found;
}

/// A text, or an integer as text. "" for other values.
std::string field_text(const Json& value, std::size_t bytes_max = error_field_bytes_max) {
    if (value.is_string()) return cut(value.get_ref<const std::string&>(), bytes_max);
    if (value.is_number_integer()) return value.dump();
    return {};
}

/// Drops HTML inside a JSON string.
std::string message_text(const Json& value) {
    std::string text;
    if (value.is_string()) {
        text = field_text(value, error_message_bytes_max);
    } else if (value.is_object() || value.is_array()) {
        text = cut(value.dump(-1, ' ', false, Json::error_handler_t::replace),
                   error_message_bytes_max);
    }
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || text[first] == '<') return {};
    return text;
}

/// The fields of one object, under all names that servers use.
ApiError from_object(const Json& object) {
    ApiError out;
    out.message = message_text(member(object, "message"));
    out.type = field_text(member(object, "type"));
    out.code = field_text(member(object, "code"));
    out.param = field_text(member(object, "param"));
    // Gemini has the word in `status`; its `code` repeats the HTTP status.
    const std::string status = field_text(member(object, "status"));
    if (!status.empty() && !member(object, "code").is_string()) out.code = status;
    return out;
}

/// FastAPI: `[{"loc":["body","messages",0],"msg":"field required","type":"missing"}, …]`.
ApiError from_detail(const Json& detail) {
    ApiError out;
    if (!detail.is_array()) {
        out.message = message_text(member(detail, "message"));
        if (out.message.empty()) out.message = message_text(detail);
        return out;
    }
    for (const Json& entry : detail) {
        std::string place;
        const Json& location = member(entry, "loc");
        for (const Json& step : location.is_array() ? location : Json::array()) {
            const std::string text = field_text(step);
            if (text.empty() || (place.empty() && text == "body")) continue;
            if (!place.empty()) place += '.';
            place += text;
        }
        const std::string sentence = message_text(member(entry, "msg"));
        if (sentence.empty()) continue;
        if (!out.message.empty()) out.message += "; ";
        if (!place.empty()) out.message += place + ": ";
        out.message += sentence;
        if (out.param.empty()) out.param = cut(place, error_field_bytes_max);
        if (out.code.empty()) out.code = field_text(member(entry, "type"));
        if (out.message.size() > error_message_bytes_max) break;
    }
    out.message = cut(out.message, error_message_bytes_max);
    return out;
}

bool is_truthy(const Json& value) {
    switch (value.type()) {
        case Json::value_t::null:
        case Json::value_t::discarded: return false;
        case Json::value_t::boolean: return value.get<bool>();
        case Json::value_t::string:
        case Json::value_t::object: return !value.empty();
        case Json::value_t::number_integer:
        case Json::value_t::number_unsigned:
        case Json::value_t::number_float: return value != 0;
        default: return true;
    }
}

/// `errors`: texts, or objects with a message; JSON:API has `title` and `detail` instead. An object
/// of lists has one for each parameter.
ApiError from_list(const Json& errors) {
    ApiError out;
    const auto add = [&](const Json& entry) {
        ApiError one = entry.is_object() ? from_object(entry) : ApiError{};
        if (one.message.empty()) one.message = message_text(member(entry, "msg"));
        if (one.message.empty()) one.message = message_text(member(entry, "detail"));
        if (one.message.empty()) one.message = message_text(member(entry, "title"));
        if (entry.is_string()) one.message = message_text(entry);
        if (one.message.empty() || out.message.size() > error_message_bytes_max) return;
        if (!out.message.empty()) out.message += "; ";
        out.message += one.message;
        if (out.type.empty()) out.type = std::move(one.type);
        if (out.code.empty()) out.code = std::move(one.code);
        if (out.param.empty()) out.param = std::move(one.param);
    };
    if (errors.is_array()) {
        for (const Json& entry : errors) add(entry);
    } else {
        add(errors);
    }
    out.message = cut(out.message, error_message_bytes_max);
    return out;
}

/// The error of a body in any known shape, or nothing. Gemini wraps it in an array.
std::optional<ApiError> from_json(const Json& answer) {
    const Json& body = answer.is_array() && !answer.empty() ? answer.front() : answer;
    const Json& error = member(body, "error");
    if (is_truthy(error)) {
        if (error.is_object()) return from_object(error);
        ApiError out;
        out.message = message_text(error);
        out.type = field_text(member(body, "error_type"));
        return out;
    }
    const Json& detail = member(body, "detail");
    if (is_truthy(detail)) return from_detail(detail);
    const Json& errors = member(body, "errors");
    if (is_truthy(errors)) return from_list(errors);
    const bool is_flat_error = member(body, "object") == "error" ||
                               member(body, "type") == "error" ||
                               !member(body, "statusCode").is_null();
    if (is_flat_error) return from_object(body);
    return std::nullopt;
}

/// Names of texts that only servers of one kind use.
constexpr const char* message_names[] = {"message",   "msg",        "error_message",
                                         "error_msg", "status_msg", "errorMessage"};

std::optional<ApiError> words_of(const Json& object) {
    if (!object.is_object()) return std::nullopt;
    for (const auto& [key, value] : object.items()) {
        if (!names_error(key) || !is_truthy(value)) continue;
        ApiError out = from_object(value.is_object() ? value : object);
        for (const char* name : message_names) {
            if (out.message.empty()) out.message = message_text(member(value, name));
            if (out.message.empty()) out.message = message_text(member(object, name));
        }
        if (out.message.empty()) out.message = message_text(value);
        if (!out.message.empty()) return out;
    }
    return std::nullopt;
}

/// An object with any of the names under which servers tell what is wrong.
ApiError from_flat(const Json& object) {
    ApiError out = from_object(object);
    for (const char* name : {"msg", "error_message", "error_description", "reason", "title"}) {
        if (out.message.empty()) out.message = message_text(member(object, name));
    }
    return out;
}

/// Text as it came, but with each run of white space and control characters as one space. Empty for
/// bytes that are no text: JSON would not hold them.
std::string plain_words(std::string_view body) {
    std::string out;
    for (const char byte : body.substr(0, 2 * error_message_bytes_max)) {
        const bool is_space = static_cast<unsigned char>(byte) <= ' ' || byte == '\x7f';
        if (!is_space) out += byte;
        if (is_space && !out.empty() && out.back() != ' ') out += ' ';
    }
    while (out.ends_with(' ')) out.pop_back();
    out = cut(out, error_message_bytes_max);
    // A text that is not UTF-8 is written with replacement characters.
    const std::string quoted = Json(out).dump(-1, ' ', false, Json::error_handler_t::replace);
    const Json readable = Json::parse(quoted, nullptr, false);
    return readable.is_string() ? readable.get<std::string>() : std::string();
}

/// What a page says, without tags, scripts and styles.
std::string text_of_html(std::string_view page) {
    constexpr std::size_t bytes_max = 512;
    std::string text;
    while (!page.empty() && text.size() < bytes_max) {
        const std::string_view words = page.substr(0, page.find('<'));
        text += words;
        page.remove_prefix(words.size());
        const std::string_view tag = page.substr(0, page.find('>'));
        page.remove_prefix(std::min(tag.size() + 1, page.size()));
        text += ' ';
        for (const std::string_view name : {"script", "style"}) {
            if (!tag.starts_with("<" + std::string(name))) continue;
            page.remove_prefix(std::min(page.find("</" + std::string(name)), page.size()));
        }
    }
    return cut(plain_words(text), bytes_max);
}

ApiError completed(ApiError error, unsigned status) {
    if (error.message.empty()) error.message = generic_message(status);
    if (error.type.empty() || error.type == "error") error.type = type_for(status);
    return error;
}

}  // namespace

ApiError normalise_error(unsigned status, std::string_view content_type, std::string_view body) {
    return completed(told_error(content_type, body), status);
}

ApiError told_error(std::string_view content_type, std::string_view body) {
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || body.size() > error_body_bytes_max) return {};
    const bool is_html = content_type.find("html") != std::string_view::npos || body[first] == '<';
    if (is_html)
        return ApiError{.message = text_of_html(body), .type = {}, .code = {}, .param = {}};
    const Json json = parse_bounded<Json>(body, error_body_bytes_max);
    if (auto found = from_json(json)) return *found;
    // With an error status, a flat object counts even if nothing marks it as an error.
    if (json.is_object()) return from_flat(json);
    if (json.is_array()) return from_list(json);
    // What begins like JSON and is none was cut: it is no text for people.
    const bool is_plain = json.is_discarded() && body[first] != '{' && body[first] != '[';
    return ApiError{.message = is_plain ? plain_words(body) : message_text(json),
                    .type = {},
                    .code = {},
                    .param = {}};
}

std::optional<ApiError> error_in(std::string_view json) {
    constexpr unsigned status = 502;
    std::optional<ApiError> found = from_json(parse_bounded<Json>(json, error_body_bytes_max));
    if (!found) return std::nullopt;
    return completed(std::move(*found), status);
}

std::optional<ApiError> words_in(std::string_view json) {
    constexpr unsigned status = 502;
    const Json body = parse_bounded<Json>(json, error_body_bytes_max);
    std::optional<ApiError> found = words_of(body);
    const Json& choices = member(body, "choices");
    for (const Json& choice : choices.is_array() ? choices : Json::array()) {
        const Json& error = member(choice, "error");
        if (found || !is_truthy(error)) continue;
        found = from_object(error);
        if (found->message.empty()) found->message = message_text(error);
    }
    if (!found) return std::nullopt;
    return completed(std::move(*found), status);
}

std::optional<ApiError> error_in_response(std::string_view event_json) {
    constexpr unsigned status = 502;
    const Json event = parse_bounded<Json>(event_json, error_body_bytes_max);
    if (!event.is_object() || !event.contains("response")) return std::nullopt;
    std::optional<ApiError> found = from_json(event["response"]);
    if (!found) return std::nullopt;
    return completed(std::move(*found), status);
}

}  // namespace sluicegate::openai
