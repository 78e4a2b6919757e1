/// The responses endpoint: every item of the output is added, filled and done.

#include "openai/answer_to_events.hpp"

#include <utility>

namespace sluicegate::openai {
namespace {

/// Numbers the events and gives each its name.
class EventWriter {
public:
    void add(const std::string& type, const EventJson& fields) {
        EventJson data = {{"type", type}, {"sequence_number", count_++}};
        data.update(fields);
        out_ += "event: " + type + "\ndata: " + data.dump() + "\n\n";
    }
    std::string finish() { return std::move(out_); }

private:
    std::int64_t count_ = 0;
    std::string out_;
};

/// `fields` behind those of `place`.
EventJson placed(const EventJson& place, const EventJson& fields) {
    EventJson out = place;
    out.update(fields);
    return out;
}

/// `object` with another value for a member that it has.
EventJson with(const EventJson& object, const char* name, EventJson value) {
    EventJson out = object;
    if (out.contains(name)) out[name] = std::move(value);
    return out;
}

void add_part(EventWriter& events, const EventJson& place, const EventJson& part) {
    const bool is_refusal = member_of(part, "type") == "refusal";
    const char* const name = is_refusal ? "refusal" : "text";
    const EventJson& text = member_of(part, name);
    const std::string type = is_refusal ? "response.refusal" : "response.output_text";
    EventJson begun = with(part, name, "");
    if (begun.contains("annotations")) begun["annotations"] = EventJson::array();
    events.add("response.content_part.added", placed(place, {{"part", std::move(begun)}}));
    if (text.is_string()) {
        EventJson delta = {{"delta", text}};
        EventJson done = {{name, text}};
        if (!is_refusal) delta["logprobs"] = done["logprobs"] = EventJson::array();
        events.add(type + ".delta", placed(place, delta));
        events.add(type + ".done", placed(place, done));
    }
    events.add("response.content_part.done", placed(place, {{"part", part}}));
}

void add_item(EventWriter& events, std::size_t index, const EventJson& item) {
    const EventJson& type = member_of(item, "type");
    const EventJson place = {{"item_id", member_of(item, "id")}, {"output_index", index}};
    const EventJson& content = member_of(item, "content");
    const EventJson& arguments = member_of(item, "arguments");
    const bool is_message = type == "message" && content.is_array();
    const bool is_call = type == "function_call" && arguments.is_string();

    EventJson begun = with(item, "status", "in_progress");
    if (is_message) begun["content"] = EventJson::array();
    if (is_call) begun["arguments"] = "";
    events.add("response.output_item.added", {{"output_index", index}, {"item", std::move(begun)}});
    if (is_message) {
        for (std::size_t i = 0; i < content.size(); ++i) {
            add_part(events, placed(place, {{"content_index", i}}), content[i]);
        }
    }
    if (is_call) {
        events.add("response.function_call_arguments.delta", placed(place, {{"delta", arguments}}));
        events.add("response.function_call_arguments.done",
                   placed(place, {{"name", member_of(item, "name")}, {"arguments", arguments}}));
    }
    events.add("response.output_item.done", {{"output_index", index}, {"item", item}});
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

    EventJson begun = with(answer, "status", "in_progress");
    begun["output"] = EventJson::array();
    for (const char* const name : {"error", "incomplete_details", "usage", "completed_at"}) {
        begun = with(begun, name, nullptr);
    }
    // Not a field of the API: the SDKs add it to the objects that they hand out.
    begun.erase("output_text");

    EventWriter events;
    events.add("response.created", {{"response", begun}});
    events.add("response.in_progress", {{"response", begun}});
    for (std::size_t i = 0; i < output.size(); ++i) add_item(events, i, output[i]);
    events.add("response." + status.get<std::string>(), {{"response", answer}});
    return events.finish();
}

}  // namespace sluicegate::openai
