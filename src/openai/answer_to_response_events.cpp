/// The responses endpoint: each item of the output has events for its beginning, its parts and its
/// end.

#include "openai/answer_to_events.hpp"

#include <initializer_list>
#include <string_view>
#include <utility>

namespace sluicegate::openai {
namespace {

/// A member of an event; the value is JSON.
struct OutputField {
    std::string_view name;
    std::string_view value;
};

/// Numbers the events and gives each its name.
class EventWriter {
public:
    void add(std::string_view type, std::initializer_list<OutputField> fields) {
        if (is_too_long()) return;
        out_ += "event: ";
        out_ += type;
        out_ += "\ndata: {\"type\":\"";
        out_ += type;
        out_ += R"(","sequence_number":)" + std::to_string(count_++);
        for (const OutputField& field : fields) {
            out_ += ",\"";
            out_ += field.name;
            out_ += "\":";
            out_ += field.value;
        }
        out_ += "}\n\n";
    }
    [[nodiscard]] bool is_too_long() const noexcept { return out_.size() > events_bytes_max; }
    std::string finish() { return std::move(out_); }

private:
    std::int64_t count_ = 0;
    std::string out_;
};

/// The id and index of an item, as JSON.
struct ItemPosition {
    std::string item_id;
    std::string output_index;
};

/// `object` with a new value for a member, if it has that member.
EventJson with(EventJson object, const char* name, EventJson value) {
    const auto found = object.find(name);
    if (found != object.end()) *found = std::move(value);
    return object;
}

void add_part(EventWriter& events, const ItemPosition& position, std::size_t index,
              const EventJson& part) {
    const std::string content_index = std::to_string(index);
    const auto add = [&](std::string_view type, OutputField first, OutputField second = {}) {
        const OutputField id{"item_id", position.item_id};
        const OutputField output{"output_index", position.output_index};
        const OutputField content{"content_index", content_index};
        if (second.name.empty()) {
            events.add(type, {id, output, content, first});
        } else {
            events.add(type, {id, output, content, first, second});
        }
    };
    const bool is_refusal = member_of(part, "type") == "refusal";
    const char* const name = is_refusal ? "refusal" : "text";
    const std::string whole = part.dump();
    EventJson begun = part.is_object() ? with(part, name, "") : part;
    if (begun.is_object()) begun = with(std::move(begun), "annotations", EventJson::array());
    add("response.content_part.added", {"part", begun.dump()});
    const EventJson& text = member_of(part, name);
    if (text.is_string()) {
        const std::string type = is_refusal ? "response.refusal" : "response.output_text";
        const std::string value = text.dump();
        const OutputField logprobs = is_refusal ? OutputField() : OutputField{"logprobs", "[]"};
        add(type + ".delta", {"delta", value}, logprobs);
        add(type + ".done", {name, value}, logprobs);
    }
    add("response.content_part.done", {"part", whole});
}

void add_item(EventWriter& events, std::size_t index, const EventJson& item) {
    const EventJson& type = member_of(item, "type");
    const EventJson& content = member_of(item, "content");
    const EventJson& arguments = member_of(item, "arguments");
    const bool is_message = type == "message" && content.is_array();
    const bool is_call = type == "function_call" && arguments.is_string();
    const ItemPosition position{.item_id = member_of(item, "id").dump(),
                                .output_index = std::to_string(index)};
    const OutputField id{"item_id", position.item_id};
    const OutputField output{"output_index", position.output_index};

    EventJson begun = with(item, "status", "in_progress");
    if (is_message) begun["content"] = EventJson::array();
    if (is_call) begun["arguments"] = "";
    events.add("response.output_item.added", {output, {"item", begun.dump()}});
    if (is_message) {
        for (std::size_t i = 0; i < content.size() && !events.is_too_long(); ++i) {
            add_part(events, position, i, content[i]);
        }
    }
    if (is_call) {
        const std::string text = arguments.dump();
        const std::string name = member_of(item, "name").dump();
        events.add("response.function_call_arguments.delta", {id, output, {"delta", text}});
        events.add("response.function_call_arguments.done",
                   {id, output, {"name", name}, {"arguments", text}});
    }
    events.add("response.output_item.done", {output, {"item", item.dump()}});
}

/// The response as it was when it began.
std::string begun_text(EventJson response) {
    response["output"] = EventJson::array();
    response["status"] = "in_progress";
    for (const char* const name : {"error", "incomplete_details", "usage", "completed_at"}) {
        response = with(std::move(response), name, nullptr);
    }
    // Not a field of the API: the SDKs add it to the objects that they hand out.
    response.erase("output_text");
    return response.dump();
}

}  // namespace

std::optional<std::string> response_events(const EventJson& answer) {
    const EventJson& output = member_of(answer, "output");
    const EventJson& status = member_of(answer, "status");
    const bool is_over = status == "completed" || status == "incomplete" || status == "failed";
    if (!output.is_array() || !is_over) return std::nullopt;
    for (const EventJson& item : output) {
        if (!item.is_object()) return std::nullopt;
    }

    EventWriter events;
    const std::string begun = begun_text(answer);
    events.add("response.created", {{"response", begun}});
    events.add("response.in_progress", {{"response", begun}});
    for (std::size_t i = 0; i < output.size() && !events.is_too_long(); ++i) {
        add_item(events, i, output[i]);
    }
    events.add("response." + status.get<std::string>(), {{"response", answer.dump()}});
    if (events.is_too_long()) return std::nullopt;
    return events.finish();
}

}  // namespace sluicegate::openai
