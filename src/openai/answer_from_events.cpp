#include "sluicegate/openai/answer_from_events.hpp"

#include "sluicegate/openai/stream_from_answer.hpp"

#include "openai/answer_to_events.hpp"
#include "openai/bounded_json.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace sluicegate::openai {
namespace {

/// Elements that an upstream numbers itself; what is beyond is left out.
constexpr std::int64_t choice_index_max = 4096;
constexpr std::int64_t call_index_max = 128;
/// Larger counts are not added up.
constexpr std::int64_t count_max = 1'000'000'000'000;

std::int64_t index_of(const EventJson& object, std::size_t position) {
    const EventJson& index = member_of(object, "index");
    return index.is_number_integer() ? index.get<std::int64_t>()
                                     : static_cast<std::int64_t>(position);
}

bool is_count(const EventJson& value) {
    if (!value.is_number_integer()) return false;
    const auto number = value.get<std::int64_t>();
    return number >= 0 && number <= count_max;
}

void join(EventJson& into, const EventJson& piece);

/// The elements of a list of calls are joined by their index.
void join_calls(EventJson& into, const EventJson& calls) {
    if (!into.is_array()) into = EventJson::array();
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (!calls[i].is_object()) continue;
        const std::int64_t index = index_of(calls[i], i);
        if (index < 0 || index > call_index_max) continue;
        const auto is_same = [&](const EventJson& call) { return index_of(call, 0) == index; };
        auto found = std::find_if(into.begin(), into.end(), is_same);
        if (found == into.end()) {
            into.push_back(EventJson::object({{"index", index}}));
            found = into.end() - 1;
        }
        join(*found, calls[i]);
    }
}

/// Texts grow; a name, a type or an id comes once; lists grow by their elements.
void join(EventJson& into, const EventJson& piece) {
    for (const auto& [key, value] : piece.items()) {
        EventJson& member = into[key];
        if (value.is_null() || (value.is_string() && value.empty() && !member.is_null())) continue;
        const bool comes_once = key == "role" || key == "id" || key == "type" || key == "name";
        if (key == "tool_calls" && value.is_array()) {
            join_calls(member, value);
        } else if (member.is_string() && value.is_string() && !comes_once) {
            member.get_ref<std::string&>() += value.get_ref<const std::string&>();
        } else if (member.is_object() && value.is_object()) {
            join(member, value);
        } else if (member.is_array() && value.is_array()) {
            member.insert(member.end(), value.begin(), value.end());
        } else {
            member = value;
        }
    }
}

/// The choices of all chunks.
class Choices {
public:
    explicit Choices(bool is_chat) : is_chat_(is_chat) {}

    void add(const EventJson& chunk) {
        for (const auto& [key, value] : chunk.items()) {
            if (key == "choices" || value.is_null()) continue;
            head_[key] = value;
        }
        const EventJson& choices = member_of(chunk, "choices");
        if (!choices.is_array()) return;
        for (std::size_t i = 0; i < choices.size(); ++i) {
            const std::int64_t index = index_of(choices[i], i);
            if (!choices[i].is_object() || index < 0 || index > choice_index_max) continue;
            add_choice(choices_[index], choices[i]);
        }
    }
    [[nodiscard]] bool empty() const { return choices_.empty(); }
    [[nodiscard]] std::string text() const {
        std::string out;
        for (const auto& [index, choice] : choices_) {
            const EventJson& content = member_of(member_of(choice, "message"), "content");
            if (content.is_string()) out += content.get_ref<const std::string&>();
        }
        return out;
    }
    [[nodiscard]] const EventJson& head() const { return head_; }
    [[nodiscard]] EventJson answer() && {
        head_["object"] = is_chat_ ? "chat.completion" : "text_completion";
        EventJson list = EventJson::array();
        for (auto& [index, choice] : choices_) {
            choice["index"] = index;
            if (!choice.contains("finish_reason")) choice["finish_reason"] = nullptr;
            finish_message(choice);
            list.push_back(std::move(choice));
        }
        head_["choices"] = std::move(list);
        return std::move(head_);
    }

private:
    static void add_choice(EventJson& choice, const EventJson& piece) {
        if (choice.is_null()) choice = EventJson::object();
        EventJson rest = piece;
        for (const char* name : {"delta", "message"}) {
            const EventJson& delta = member_of(piece, name);
            if (delta.is_object()) {
                EventJson& message = choice["message"];
                if (message.is_null()) message = EventJson::object();
                join(message, delta);
            }
            rest.erase(name);
        }
        const EventJson& reason = member_of(piece, "finish_reason");
        if (reason.is_string() && !reason.empty()) choice["finish_reason"] = reason;
        for (const char* name : {"finish_reason", "index"}) rest.erase(name);
        join(choice, rest);
    }
    /// As a client of JSON expects it: with a role and a content, and calls without an index.
    void finish_message(EventJson& choice) const {
        if (!is_chat_) return;
        EventJson& message = choice["message"];
        if (message.is_null()) message = EventJson::object();
        if (!message.contains("role")) message["role"] = "assistant";
        if (!message.contains("content")) message["content"] = nullptr;
        const auto calls = message.find("tool_calls");
        if (calls == message.end() || !calls->is_array()) return;
        for (EventJson& call : *calls) {
            if (call.is_object()) call.erase("index");
        }
    }

    bool is_chat_;
    EventJson head_ = EventJson::object();
    std::map<std::int64_t, EventJson> choices_;
};

/// What a stream of typed events says.
class Events {
public:
    explicit Events(Endpoint endpoint)
        : endpoint_(endpoint), choices_(endpoint != Endpoint::completions) {}

    void add(EventJson&& event) {
        const EventJson& type = member_of(event, "type");
        const std::string kind = type.is_string() ? type.get<std::string>() : std::string();
        if (event.contains("choices")) choices_.add(event);
        if (event.contains("response")) response_ = event["response"];
        if (kind == "response.output_item.done" && event.contains("item")) {
            items_.push_back(event["item"]);
        }
        if (kind.ends_with(".delta") && member_of(event, "delta").is_string()) {
            text_ += event["delta"].get_ref<const std::string&>();
        }
        if (kind.ends_with("image_generation.completed") ||
            kind.ends_with("image_edit.completed")) {
            add_picture(event);
        }
        last_ = std::move(event);
    }

    [[nodiscard]] EventJson answer() && {
        switch (endpoint_) {
            case Endpoint::chat_completions:
            case Endpoint::completions:
                if (!choices_.empty()) return std::move(choices_).answer();
                break;
            case Endpoint::responses:
                if (response_.is_object()) return std::move(*this).response();
                break;
            case Endpoint::images_generations:
            case Endpoint::images_edits:
                if (!pictures_.empty()) return std::move(*this).pictures();
                break;
            case Endpoint::audio_transcriptions:
            case Endpoint::audio_translations: return std::move(*this).transcript();
            default: break;
        }
        return std::move(last_);
    }

private:
    void add_picture(const EventJson& event) {
        EventJson picture = EventJson::object();
        for (const char* name : {"b64_json", "url", "revised_prompt"}) {
            if (event.contains(name)) picture[name] = event[name];
        }
        pictures_.push_back(std::move(picture));
        const EventJson& usage = member_of(event, "usage");
        if (!usage.is_object()) return;
        for (const auto& [key, value] : usage.items()) {
            EventJson& sum = usage_[key];
            const bool are_counts = is_count(sum) && is_count(value);
            sum =
                are_counts ? EventJson(sum.get<std::int64_t>() + value.get<std::int64_t>()) : value;
        }
    }
    EventJson response() && {
        const EventJson& output = member_of(response_, "output");
        const bool lacks_output = !output.is_array() || (output.empty() && !items_.empty());
        if (lacks_output) response_["output"] = std::move(items_);
        return std::move(response_);
    }
    EventJson pictures() && {
        EventJson answer = EventJson::object();
        const EventJson& created = member_of(last_, "created_at");
        answer["created"] = created.is_number() ? created : EventJson(0);
        answer["data"] = std::move(pictures_);
        if (!usage_.empty()) answer["usage"] = std::move(usage_);
        return answer;
    }
    EventJson transcript() && {
        EventJson answer = EventJson::object();
        const EventJson& whole = member_of(last_, "text");
        if (whole.is_string()) {
            answer["text"] = whole;
        } else if (!choices_.empty()) {
            answer["text"] = choices_.text();
        } else if (!text_.empty()) {
            answer["text"] = text_;
        } else {
            return std::move(last_);
        }
        const EventJson& usage =
            choices_.empty() ? member_of(last_, "usage") : member_of(choices_.head(), "usage");
        if (usage.is_object()) answer["usage"] = usage;
        return answer;
    }

    Endpoint endpoint_;
    Choices choices_;
    EventJson response_;
    EventJson items_ = EventJson::array();
    EventJson pictures_ = EventJson::array();
    EventJson usage_ = EventJson::object();
    std::string text_;
    EventJson last_;
};

/// Calls `visit` with the data of each event.
template <class Visit>
void for_each_data(std::string_view events, Visit visit) {
    constexpr std::string_view field = "data:";
    constexpr std::string_view mark = "\xef\xbb\xbf";  // WHATWG HTML, 9.2.5
    if (events.starts_with(mark)) events.remove_prefix(mark.size());
    std::string data;
    bool has_data = false;
    while (!events.empty()) {
        const std::size_t end = std::min(events.find_first_of("\r\n"), events.size());
        std::string_view line = events.substr(0, end);
        events.remove_prefix(end);
        const bool is_pair = events.starts_with("\r\n");
        events.remove_prefix(std::min<std::size_t>(is_pair ? 2 : 1, events.size()));
        if (line.empty() && has_data) {
            visit(std::string_view(data));
            data.clear();
            has_data = false;
        } else if (line.starts_with(field)) {
            line.remove_prefix(field.size());
            if (line.starts_with(' ')) line.remove_prefix(1);
            if (has_data) data += '\n';
            data += line;
            has_data = true;
        }
    }
    if (has_data) visit(std::string_view(data));
}

}  // namespace

std::optional<std::string> answer_from_events(Endpoint endpoint, std::string_view events) {
    Events all(endpoint);
    bool has_any = false;
    for_each_data(events, [&](std::string_view data) {
        EventJson event = parse_bounded<EventJson>(data, converted_answer_bytes_max);
        if (!event.is_object()) return;
        has_any = true;
        all.add(std::move(event));
    });
    if (!has_any) return std::nullopt;
    const EventJson answer = std::move(all).answer();
    if (answer.is_null()) return std::nullopt;
    return answer.dump(-1, ' ', false, EventJson::error_handler_t::replace);
}

}  // namespace sluicegate::openai
