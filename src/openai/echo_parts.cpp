#include "openai/echo_parts.hpp"

#include "sluicegate/openai/api_error.hpp"
#include "sluicegate/openai/inspect_request.hpp"

#include <algorithm>

namespace sluicegate::openai::echo {
namespace {

constexpr std::string_view white_space = " \t\r\n\v\f";

/// The words of a text one after another.
class WordReader {
public:
    explicit WordReader(std::string_view text) noexcept : rest_(text) {}

    /// "" at the end.
    std::string_view next() noexcept {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(white_space), rest_.size()));
        const std::string_view word = rest_.substr(0, rest_.find_first_of(white_space));
        rest_.remove_prefix(word.size());
        return word;
    }

private:
    std::string_view rest_;
};

}  // namespace

std::string AnswerWords::text() const {
    std::string out;
    for (const std::string& word : words) out += word;
    return out;
}

std::int64_t count_words(std::string_view text) noexcept {
    std::int64_t count = 0;
    for (WordReader reader(text); !reader.next().empty();) ++count;
    return count;
}

AnswerWords answer_words(std::string_view message, std::int64_t tokens, std::int64_t cap,
                         std::int64_t share) {
    if (count_words(message) == 0) message = "echo";
    const std::int64_t wanted = tokens > 0 ? tokens : count_words(message);
    const std::int64_t bound = std::max<std::int64_t>(words_max / share, 1);
    const std::int64_t allowed = std::min(cap < 0 ? bound : cap, bound);
    const std::size_t bytes_max = answer_bytes_max / static_cast<std::size_t>(share);
    AnswerWords out;
    std::size_t bytes = 0;
    WordReader reader(message);
    while (out.count() < std::min(wanted, allowed) && bytes < bytes_max) {
        std::string_view word = reader.next();
        if (word.empty()) {
            reader = WordReader(message);
            word = reader.next();
        }
        std::string& added = out.words.emplace_back(out.words.empty() ? "" : " ");
        added += word.size() > bytes_max ? "echo" : word;
        bytes += added.size();
    }
    out.is_cut = out.count() < wanted;
    return out;
}

std::string content_text(const RequestJson& content) {
    if (content.is_string()) return content.get<std::string>();
    std::string out;
    if (!content.is_array()) return out;
    for (const RequestJson& part : content) {
        const RequestJson& text = member(part, "text");
        if (!text.is_string()) continue;
        if (!out.empty()) out += ' ';
        out += text.get_ref<const std::string&>();
    }
    return out;
}

const RequestJson& member(const RequestJson& object, const char* name) {
    static const RequestJson absent;
    if (!object.is_object()) return absent;
    const auto found = object.find(name);
    return found == object.end() ? absent : *found;
}

std::optional<std::int64_t> cap_of(const RequestJson& request) {
    for (const char* name : {"max_completion_tokens", "max_output_tokens", "max_tokens"}) {
        const RequestJson& value = member(request, name);
        if (value.is_null()) continue;
        if (!value.is_number_integer()) return std::nullopt;
        // An unsigned value beyond the range wraps to a negative one.
        const auto cap = value.get<std::int64_t>();
        if (cap == -1 && !value.is_number_unsigned()) return -1;
        if (cap < 1) return std::nullopt;
        return cap;
    }
    return -1;
}

std::optional<std::int64_t> choices_of(const RequestJson& request) {
    const RequestJson& value = member(request, "n");
    if (value.is_null()) return 1;
    if (!value.is_number_integer()) return std::nullopt;
    const auto choices = value.get<std::int64_t>();
    if (choices < 1 || choices > choices_max) return std::nullopt;
    return choices;
}

EchoAnswer json_answer(const Json& body) {
    EchoAnswer out;
    out.content_type = "application/json";
    out.body = body.dump();
    return out;
}

EchoAnswer stream_answer(std::vector<std::string> events) {
    EchoAnswer out;
    out.is_stream = true;
    out.content_type = "text/event-stream; charset=utf-8";
    out.events = std::move(events);
    return out;
}

EchoAnswer refusal(std::string_view message, std::string_view param) {
    EchoAnswer out;
    out.status = 400;
    out.content_type = "application/json";
    out.body = error_body(ApiError{.message = std::string(message),
                                   .type = "invalid_request_error",
                                   .code = {},
                                   .param = std::string(param)});
    return out;
}

std::string data_event(const Json& data) {
    return "data: " + data.dump() + "\n\n";
}

}  // namespace sluicegate::openai::echo
