/// POST /responses: one output message, and the whole sequence of events when streamed.

#include "openai/echo_parts.hpp"

namespace sluicegate::openai::echo {
namespace {

struct Input {
    std::string last_user_text;
    std::int64_t tokens = 0;
};

std::optional<Input> input_of(const RequestJson& request) {
    Input out;
    out.tokens = count_words(content_text(member(request, "instructions")));
    const RequestJson& input = member(request, "input");
    if (input.is_string()) {
        out.last_user_text = input.get<std::string>();
        out.tokens += count_words(out.last_user_text);
        return out;
    }
    if (!input.is_array() || input.empty()) return std::nullopt;
    for (const RequestJson& item : input) {
        if (!item.is_object()) return std::nullopt;
        std::string text = content_text(member(item, "content"));
        out.tokens += count_words(text);
        if (member(item, "role") == "user") out.last_user_text = std::move(text);
    }
    return out;
}

/// The parts of one answer that its objects and events share.
struct Draft {
    const RequestJson& request;
    const Settings& settings;
    AnswerWords words;
    std::int64_t input_tokens = 0;
    std::string text;

    [[nodiscard]] std::string message_id() const { return "msg_" + settings.id; }
    [[nodiscard]] std::string_view end_status() const {
        return words.is_cut ? "incomplete" : "completed";
    }
};

Json text_part(std::string_view text) {
    return {{"type", "output_text"},
            {"text", text},
            {"annotations", Json::array()},
            {"logprobs", Json::array()}};
}

Json message_item(const Draft& draft, std::string_view status, Json content) {
    return {{"id", draft.message_id()},
            {"type", "message"},
            {"status", status},
            {"role", "assistant"},
            {"content", std::move(content)}};
}

Json finished_item(const Draft& draft) {
    return message_item(draft, draft.end_status(), Json::array({text_part(draft.text)}));
}

Json response_object(const Draft& draft, std::string_view status) {
    const bool is_finished = status != "in_progress";
    Json out = {{"id", "resp_" + draft.settings.id},
                {"object", "response"},
                {"created_at", draft.settings.created},
                {"status", status},
                {"background", false},
                {"error", nullptr},
                {"incomplete_details", nullptr},
                {"instructions", nullptr},
                {"max_output_tokens", member(draft.request, "max_output_tokens")},
                {"model", draft.settings.model},
                {"output", Json::array()},
                {"parallel_tool_calls", true},
                {"previous_response_id", nullptr},
                {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                {"store", false},
                {"temperature", 1.0},
                {"text", {{"format", {{"type", "text"}}}}},
                {"tool_choice", "auto"},
                {"tools", Json::array()},
                {"top_p", 1.0},
                {"truncation", "disabled"},
                {"usage", nullptr},
                {"user", nullptr},
                {"metadata", Json::object()}};
    const RequestJson& instructions = member(draft.request, "instructions");
    if (instructions.is_string()) out["instructions"] = instructions;
    if (!is_finished) return out;
    if (draft.words.is_cut) out["incomplete_details"] = {{"reason", "max_output_tokens"}};
    out["output"].push_back(finished_item(draft));
    const std::int64_t output_tokens = draft.words.count();
    out["usage"] = {{"input_tokens", draft.input_tokens},
                    {"input_tokens_details", {{"cached_tokens", 0}}},
                    {"output_tokens", output_tokens},
                    {"output_tokens_details", {{"reasoning_tokens", 0}}},
                    {"total_tokens", draft.input_tokens + output_tokens}};
    return out;
}

/// Numbers the events and gives each its name.
class EventWriter {
public:
    void add(std::string_view type, const Json& fields) {
        Json data = {{"type", type}, {"sequence_number", events_.size()}};
        data.update(fields);
        events_.push_back("event: " + std::string(type) + "\n" + data_event(data));
    }
    std::vector<std::string> finish() { return std::move(events_); }

private:
    std::vector<std::string> events_;
};

EchoAnswer streamed_answer(const Draft& draft) {
    EventWriter events;
    const Json place = {{"item_id", draft.message_id()}, {"output_index", 0}, {"content_index", 0}};
    const auto placed = [&](const Json& fields) {
        Json out = place;
        out.update(fields);
        return out;
    };
    const Json begun = response_object(draft, "in_progress");
    events.add("response.created", {{"response", begun}});
    events.add("response.in_progress", {{"response", begun}});
    events.add("response.output_item.added",
               {{"output_index", 0}, {"item", message_item(draft, "in_progress", Json::array())}});
    events.add("response.content_part.added", placed({{"part", text_part("")}}));
    for (const std::string& word : draft.words.words) {
        events.add("response.output_text.delta",
                   placed({{"delta", word}, {"logprobs", Json::array()}}));
    }
    events.add("response.output_text.done",
               placed({{"text", draft.text}, {"logprobs", Json::array()}}));
    events.add("response.content_part.done", placed({{"part", text_part(draft.text)}}));
    events.add("response.output_item.done", {{"output_index", 0}, {"item", finished_item(draft)}});
    events.add("response." + std::string(draft.end_status()),
               {{"response", response_object(draft, draft.end_status())}});
    return stream_answer(events.finish());
}

}  // namespace

EchoAnswer answer_response(const RequestJson& request, const Settings& settings) {
    const std::optional<Input> input = input_of(request);
    if (!input) return refusal("'input' must be text or an array of items.", "input");
    const std::optional<std::int64_t> cap = cap_of(request);
    if (!cap) return refusal("The output cap must be a positive integer.", "max_output_tokens");
    const RequestJson& stream = member(request, "stream");
    if (!stream.is_null() && !stream.is_boolean()) {
        return refusal("'stream' must be true or false.", "stream");
    }
    Draft draft{.request = request,
                .settings = settings,
                .words = answer_words(input->last_user_text, settings.tokens, *cap, 1),
                .input_tokens = input->tokens,
                .text = {}};
    draft.text = draft.words.text();
    if (stream == true) return streamed_answer(draft);
    return json_answer(response_object(draft, draft.end_status()));
}

}  // namespace sluicegate::openai::echo
