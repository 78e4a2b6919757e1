#include "sluicegate/openai/stream_from_answer.hpp"

#include "openai/bounded_json.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace sluicegate::openai {
namespace {

using Json = nlohmann::ordered_json;

/// A member of an object, or null.
const Json& member(const Json& object, const char* name) {
    static const Json absent;
    if (!object.is_object()) return absent;
    const auto found = object.find(name);
    return found == object.end() ? absent : *found;
}

void append_event(std::string& out, const Json& data) {
    out += "data: ";
    out += data.dump();
    out += "\n\n";
}

/// Chat and completions: one chunk per choice with all of it, one with its finish reason.
std::optional<std::string> chunks_of(const Json& answer, bool is_chat, bool wants_usage) {
    const Json& choices = member(answer, "choices");
    if (!choices.is_array() || choices.empty()) return std::nullopt;
    Json head = answer;
    head.erase("usage");
    if (is_chat) head["object"] = "chat.completion.chunk";
    if (wants_usage) head["usage"] = nullptr;

    std::string out;
    for (const Json& choice : choices) {
        if (!choice.is_object()) return std::nullopt;
        Json begun = choice;
        begun["finish_reason"] = nullptr;
        Json ended = {{"index", member(choice, "index")}};
        if (is_chat) {
            const Json& message = member(choice, "message");
            if (!message.is_object()) return std::nullopt;
            Json delta = message;
            if (delta.contains("tool_calls") && delta["tool_calls"].is_array()) {
                std::size_t index = 0;
                for (Json& call : delta["tool_calls"]) {
                    if (!call.is_object()) return std::nullopt;
                    call["index"] = index++;
                }
            }
            begun.erase("message");
            begun["delta"] = std::move(delta);
            ended["delta"] = Json::object();
        } else {
            ended["text"] = "";
        }
        ended["logprobs"] = nullptr;
        ended["finish_reason"] = member(choice, "finish_reason");
        head["choices"] = Json::array({std::move(begun)});
        append_event(out, head);
        head["choices"] = Json::array({std::move(ended)});
        append_event(out, head);
    }
    if (wants_usage && member(answer, "usage").is_object()) {
        head["choices"] = Json::array();
        head["usage"] = member(answer, "usage");
        append_event(out, head);
    }
    out += "data: [DONE]\n\n";
    return out;
}

}  // namespace

std::optional<std::string> stream_of_answer(Endpoint endpoint, std::string_view json,
                                            bool wants_usage) {
    const Json answer = parse_bounded<Json>(json, converted_answer_bytes_max);
    if (!answer.is_object()) return std::nullopt;
    switch (endpoint) {
        case Endpoint::chat_completions: return chunks_of(answer, true, wants_usage);
        case Endpoint::completions: return chunks_of(answer, false, wants_usage);
        default: return std::nullopt;
    }
}

}  // namespace sluicegate::openai
