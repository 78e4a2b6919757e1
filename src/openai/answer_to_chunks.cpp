/// Chat and completions: the same chunks in two spellings.

#include "sluicegate/base/json_text.hpp"

#include "openai/answer_to_events.hpp"

#include <string_view>
#include <utility>

namespace sluicegate::openai {
namespace {

/// Writes chunks. All of them repeat the scalar members of the answer: id, created, model.
class ChunkWriter {
public:
    ChunkWriter(const EventJson& answer, std::string_view object, bool wants_usage)
        : head_(R"({"object":")" + std::string(object) + '"'), wants_usage_(wants_usage) {
        for (const auto& [key, value] : answer.items()) {
            if (value.is_structured() || key == "object" || key == "usage") continue;
            head_ += ',';
            append_json_string(head_, key);
            head_ += ':' + value.dump();
        }
    }

    /// `choices`: JSON between the brackets. `usage`: JSON.
    void add(std::string_view choices, std::string_view usage = "null") {
        if (out_.size() > events_bytes_max) return;
        out_ += "data: " + head_ + R"(,"choices":[)";
        out_ += choices;
        out_ += ']';
        if (wants_usage_) {
            out_ += R"(,"usage":)";
            out_ += usage;
        }
        out_ += "}\n\n";
    }

    std::optional<std::string> finish(const EventJson& usage) {
        if (wants_usage_ && usage.is_object()) add("", usage.dump());
        if (out_.size() > events_bytes_max) return std::nullopt;
        return std::move(out_) + "data: [DONE]\n\n";
    }

private:
    std::string head_;
    bool wants_usage_;
    std::string out_;
};

/// A tool call with its index.
void append_call(std::string& out, const EventJson& call, std::size_t index) {
    out += '{';
    if (!call.contains("index")) {
        out += R"("index":)" + std::to_string(index);
        if (!call.empty()) out += ',';
    }
    out += std::string_view(call.dump()).substr(1);
}

/// A message without its role, each tool call with its index. Nothing for another shape.
std::optional<std::string> delta_of(const EventJson& message) {
    std::string out = "{";
    for (const auto& [key, value] : message.items()) {
        if (key == "role") continue;
        if (out.size() > 1) out += ',';
        append_json_string(out, key);
        out += ':';
        if (key != "tool_calls" || value.is_null()) {
            out += value.dump();
            continue;
        }
        if (!value.is_array()) return std::nullopt;
        out += '[';
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (!value[i].is_object()) return std::nullopt;
            if (i > 0) out += ',';
            append_call(out, value[i], i);
        }
        out += ']';
    }
    return out + '}';
}

/// A choice of a chunk; all but its name is JSON.
struct ChunkChoice {
    const EventJson& index;
    std::string_view name;
    std::string_view payload;
    std::string logprobs = "null";
    std::string finish_reason = "null";

    [[nodiscard]] std::string text() const {
        std::string out = R"({"index":)" + index.dump() + ",\"";
        out += name;
        out += "\":";
        out += payload;
        return out + R"(,"logprobs":)" + logprobs + R"(,"finish_reason":)" + finish_reason + '}';
    }
};

bool is_list_of_objects(const EventJson& value) {
    if (!value.is_array() || value.empty()) return false;
    for (const EventJson& element : value) {
        if (!element.is_object()) return false;
    }
    return true;
}

/// The chunk with all of a choice and the chunk with the reason why it ended.
void add_choice(ChunkWriter& chunks, const EventJson& choice, std::string_view name,
                std::string_view payload, std::string_view empty_payload) {
    const EventJson& index = member_of(choice, "index");
    const ChunkChoice text{.index = index,
                           .name = name,
                           .payload = payload,
                           .logprobs = member_of(choice, "logprobs").dump()};
    chunks.add(text.text());
    const ChunkChoice end{.index = index,
                          .name = name,
                          .payload = empty_payload,
                          .finish_reason = member_of(choice, "finish_reason").dump()};
    chunks.add(end.text());
}

}  // namespace

std::optional<std::string> chat_events(const EventJson& answer, bool wants_usage) {
    const EventJson& choices = member_of(answer, "choices");
    if (!is_list_of_objects(choices)) return std::nullopt;
    ChunkWriter chunks(answer, "chat.completion.chunk", wants_usage);
    for (const EventJson& choice : choices) {
        const EventJson& message = member_of(choice, "message");
        if (!message.is_object()) return std::nullopt;
        const std::optional<std::string> delta = delta_of(message);
        if (!delta) return std::nullopt;

        const bool has_text = member_of(message, "content").is_string();
        const ChunkChoice role{.index = member_of(choice, "index"),
                               .name = "delta",
                               .payload = has_text ? R"({"role":"assistant","content":""})"
                                                   : R"({"role":"assistant","content":null})"};
        chunks.add(role.text());
        add_choice(chunks, choice, "delta", *delta, "{}");
    }
    return chunks.finish(member_of(answer, "usage"));
}

std::optional<std::string> completion_events(const EventJson& answer, bool wants_usage) {
    const EventJson& choices = member_of(answer, "choices");
    if (!is_list_of_objects(choices)) return std::nullopt;
    ChunkWriter chunks(answer, "text_completion", wants_usage);
    for (const EventJson& choice : choices) {
        const EventJson& text = member_of(choice, "text");
        if (!text.is_string()) return std::nullopt;
        add_choice(chunks, choice, "text", text.dump(), R"("")");
    }
    return chunks.finish(member_of(answer, "usage"));
}

}  // namespace sluicegate::openai
