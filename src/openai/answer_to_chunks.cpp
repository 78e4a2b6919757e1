/// Chat and completions: the same chunks in two spellings.

#include "openai/answer_to_events.hpp"

#include <utility>

namespace sluicegate::openai {
namespace {

/// Writes chunks around what all of them repeat: id, created, model and the like.
class ChunkWriter {
public:
    ChunkWriter(const EventJson& answer, const char* object, bool wants_usage)
        : wants_usage_(wants_usage) {
        for (const auto& [key, value] : answer.items()) {
            if (!value.is_structured()) chunk_[key] = value;
        }
        chunk_["object"] = object;
    }

    void add(EventJson choice) { add(EventJson::array({std::move(choice)}), nullptr); }

    std::string finish(const EventJson& usage) {
        if (wants_usage_ && usage.is_object()) add(EventJson::array(), usage);
        return std::move(out_) + "data: [DONE]\n\n";
    }

private:
    void add(EventJson choices, const EventJson& usage) {
        chunk_["choices"] = std::move(choices);
        if (wants_usage_) chunk_["usage"] = usage;
        out_ += "data: " + chunk_.dump() + "\n\n";
    }

    bool wants_usage_;
    EventJson chunk_ = EventJson::object();
    std::string out_;
};

/// A message without its role, each tool call with its place; null for another shape.
EventJson delta_of(const EventJson& message) {
    EventJson delta = message;
    delta.erase("role");
    const auto calls = delta.find("tool_calls");
    if (calls == delta.end() || calls->is_null()) return delta;
    if (!calls->is_array()) return nullptr;
    EventJson placed = EventJson::array();
    for (const EventJson& call : *calls) {
        if (!call.is_object()) return nullptr;
        EventJson with_index = {{"index", placed.size()}};
        with_index.update(call);
        placed.push_back(std::move(with_index));
    }
    *calls = std::move(placed);
    return delta;
}

/// The choice as one of a chunk: `payload` under `name`, and why it ended.
EventJson choice_of(const EventJson& choice, const char* name, EventJson payload,
                    const char* reason_from) {
    EventJson out = {{"index", member_of(choice, "index")}};
    out[name] = std::move(payload);
    out["logprobs"] = nullptr;
    out["finish_reason"] = member_of(choice, reason_from);
    return out;
}

/// No member of any answer; what is looked up under it is null.
constexpr const char* not_yet = "";

bool is_list_of_objects(const EventJson& value) {
    if (!value.is_array() || value.empty()) return false;
    for (const EventJson& element : value) {
        if (!element.is_object()) return false;
    }
    return true;
}

}  // namespace

const EventJson& member_of(const EventJson& object, const char* name) {
    static const EventJson absent;
    if (!object.is_object()) return absent;
    const auto found = object.find(name);
    return found == object.end() ? absent : *found;
}

std::optional<std::string> chat_events(const EventJson& answer, bool wants_usage) {
    const EventJson& choices = member_of(answer, "choices");
    if (!is_list_of_objects(choices)) return std::nullopt;
    ChunkWriter chunks(answer, "chat.completion.chunk", wants_usage);
    for (const EventJson& choice : choices) {
        const EventJson& message = member_of(choice, "message");
        if (!message.is_object()) return std::nullopt;
        EventJson delta = delta_of(message);
        if (delta.is_null()) return std::nullopt;

        EventJson role = {{"role", "assistant"}};
        role["content"] = member_of(message, "content").is_string() ? EventJson("") : EventJson();
        chunks.add(choice_of(choice, "delta", std::move(role), not_yet));
        EventJson text = choice_of(choice, "delta", std::move(delta), not_yet);
        text["logprobs"] = member_of(choice, "logprobs");
        chunks.add(std::move(text));
        chunks.add(choice_of(choice, "delta", EventJson::object(), "finish_reason"));
    }
    return chunks.finish(member_of(answer, "usage"));
}

std::optional<std::string> completion_events(const EventJson& answer, bool wants_usage) {
    const EventJson& choices = member_of(answer, "choices");
    if (!is_list_of_objects(choices)) return std::nullopt;
    ChunkWriter chunks(answer, "text_completion", wants_usage);
    for (const EventJson& choice : choices) {
        const EventJson& all = member_of(choice, "text");
        if (!all.is_string()) return std::nullopt;
        EventJson text = choice_of(choice, "text", all, not_yet);
        text["logprobs"] = member_of(choice, "logprobs");
        chunks.add(std::move(text));
        chunks.add(choice_of(choice, "text", "", "finish_reason"));
    }
    return chunks.finish(member_of(answer, "usage"));
}

}  // namespace sluicegate::openai
