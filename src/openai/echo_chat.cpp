/// POST /chat/completions and POST /completions: the same answer in two spellings.

#include "sluicegate/base/json_text.hpp"

#include "openai/echo_parts.hpp"

namespace sluicegate::openai::echo {
namespace {

/// The names in which the two endpoints differ.
struct Dialect {
    bool is_chat = true;
    std::string_view id_prefix = "chatcmpl-";
    std::string_view object = "chat.completion";
    std::string_view chunk_object = "chat.completion.chunk";
};

constexpr Dialect chat_dialect;
constexpr Dialect completion_dialect{.is_chat = false,
                                     .id_prefix = "cmpl-",
                                     .object = "text_completion",
                                     .chunk_object = "text_completion"};

/// One text for each choice, and the options of the request.
struct Answer {
    std::vector<AnswerWords> choices;
    std::int64_t prompt_tokens = 0;
    bool is_streaming = false;
    bool wants_usage = false;
};

Json usage_of(const Answer& answer) {
    std::int64_t output = 0;
    for (const AnswerWords& choice : answer.choices) output += choice.count();
    return {{"prompt_tokens", answer.prompt_tokens},
            {"completion_tokens", output},
            {"total_tokens", answer.prompt_tokens + output}};
}

std::string_view finish_reason(const AnswerWords& words) {
    return words.is_cut ? "length" : "stop";
}

Json head_of(const Dialect& dialect, std::string_view object, const Settings& settings) {
    return {{"id", std::string(dialect.id_prefix) + settings.id},
            {"object", object},
            {"created", settings.created},
            {"model", settings.model}};
}

EchoAnswer plain_answer(const Dialect& dialect, const Answer& answer, const Settings& settings) {
    Json body = head_of(dialect, dialect.object, settings);
    Json& choices = body["choices"] = Json::array();
    for (const AnswerWords& words : answer.choices) {
        Json choice = {{"index", choices.size()}};
        if (dialect.is_chat) {
            choice["message"] = {
                {"role", "assistant"}, {"content", words.text()}, {"refusal", nullptr}};
        } else {
            choice["text"] = words.text();
        }
        choice["logprobs"] = nullptr;
        choice["finish_reason"] = finish_reason(words);
        choices.push_back(std::move(choice));
    }
    body["usage"] = usage_of(answer);
    return json_answer(body);
}

/// Writes the chunks of a stream. Their common head is rendered once.
class ChunkWriter {
public:
    ChunkWriter(const Dialect& dialect, const Settings& settings, bool wants_usage)
        : is_chat_(dialect.is_chat),
          head_(head_of(dialect, dialect.chunk_object, settings).dump()),
          tail_(wants_usage ? R"(],"usage":null})" : "]}") {
        head_.back() = ',';
    }

    void add_delta(std::size_t index, std::string_view text, bool with_role) {
        std::string payload = is_chat_ ? R"("delta":{)" : R"("text":)";
        if (with_role) payload += R"("role":"assistant",)";
        if (is_chat_) payload += R"("content":)";
        append_json_string(payload, text);
        if (is_chat_) payload += '}';
        add(index, payload, "null");
    }

    void add_end(std::size_t index, std::string_view reason) {
        add(index, is_chat_ ? R"("delta":{})" : R"("text":"")", '"' + std::string(reason) + '"');
    }

    void add_usage(const Json& usage) {
        events_.push_back("data: " + head_ + R"("choices":[],"usage":)" + usage.dump() + "}\n\n");
    }

    std::vector<std::string> finish() {
        events_.emplace_back("data: [DONE]\n\n");
        return std::move(events_);
    }

private:
    void add(std::size_t index, std::string_view payload, std::string_view reason) {
        std::string& event = events_.emplace_back("data: ");
        event += head_;
        event += R"("choices":[{"index":)";
        append_decimal(event, static_cast<std::int64_t>(index));
        event += ',';
        event += payload;
        event += R"(,"logprobs":null,"finish_reason":)";
        event += reason;
        event += '}';
        event += tail_;
        event += "\n\n";
    }

    bool is_chat_;
    std::string head_;
    std::string_view tail_;
    std::vector<std::string> events_;
};

EchoAnswer streamed_answer(const Dialect& dialect, const Answer& answer, const Settings& settings) {
    ChunkWriter chunks(dialect, settings, answer.wants_usage);
    for (std::size_t i = 0; i < answer.choices.size(); ++i) {
        if (dialect.is_chat) chunks.add_delta(i, "", true);
        for (const std::string& word : answer.choices[i].words) chunks.add_delta(i, word, false);
        chunks.add_end(i, finish_reason(answer.choices[i]));
    }
    if (answer.wants_usage) chunks.add_usage(usage_of(answer));
    return stream_answer(chunks.finish());
}

EchoAnswer finish_answer(const Dialect& dialect, const RequestJson& request,
                         const std::vector<std::string>& prompts, std::int64_t prompt_tokens,
                         const Settings& settings) {
    const std::optional<std::int64_t> cap = cap_of(request);
    if (!cap) return refusal("The output cap must be a positive integer.", "max_tokens");
    const std::optional<std::int64_t> choices = choices_of(request);
    if (!choices) return refusal("'n' must be an integer from 1 to 128.", "n");
    const RequestJson& stream = member(request, "stream");
    if (!stream.is_null() && !stream.is_boolean()) {
        return refusal("'stream' must be true or false.", "stream");
    }
    Answer answer;
    answer.prompt_tokens = prompt_tokens;
    answer.is_streaming = stream == true;
    answer.wants_usage = member(member(request, "stream_options"), "include_usage") == true;
    const auto share = *choices * static_cast<std::int64_t>(prompts.size());
    for (const std::string& prompt : prompts) {
        const AnswerWords words = answer_words(prompt, settings.tokens, *cap, share);
        answer.choices.insert(answer.choices.end(), static_cast<std::size_t>(*choices), words);
    }
    return answer.is_streaming ? streamed_answer(dialect, answer, settings)
                               : plain_answer(dialect, answer, settings);
}

bool is_token_list(const RequestJson& value) {
    if (!value.is_array() || value.empty()) return false;
    for (const RequestJson& token : value) {
        if (!token.is_number_integer()) return false;
    }
    return true;
}

}  // namespace

EchoAnswer answer_chat(const RequestJson& request, const Settings& settings) {
    const RequestJson& messages = member(request, "messages");
    if (!messages.is_array() || messages.empty()) {
        return refusal("'messages' must be an array with at least one message.", "messages");
    }
    std::string last;
    std::int64_t prompt_tokens = 0;
    for (const RequestJson& message : messages) {
        if (!message.is_object() || !member(message, "role").is_string()) {
            return refusal("Every message must be an object with a 'role'.", "messages");
        }
        std::string text = content_text(member(message, "content"));
        prompt_tokens += count_words(text);
        if (member(message, "role") == "user") last = std::move(text);
    }
    return finish_answer(chat_dialect, request, {last}, prompt_tokens, settings);
}

EchoAnswer answer_completion(const RequestJson& request, const Settings& settings) {
    constexpr std::size_t prompts_max = 128;
    const RequestJson& prompt = member(request, "prompt");
    std::vector<std::string> prompts;
    std::int64_t prompt_tokens = 0;
    const auto add = [&](const RequestJson& value) {
        // Token ids are counted, but have no text to repeat.
        if (!value.is_string() && !is_token_list(value)) return false;
        prompts.push_back(value.is_string() ? value.get<std::string>() : std::string());
        prompt_tokens += value.is_string() ? count_words(prompts.back())
                                           : static_cast<std::int64_t>(value.size());
        return true;
    };
    bool is_good = true;
    if (prompt.is_array() && !is_token_list(prompt)) {
        is_good = !prompt.empty() && prompt.size() <= prompts_max;
        for (std::size_t i = 0; is_good && i < prompt.size(); ++i) is_good = add(prompt[i]);
    } else {
        is_good = add(prompt);
    }
    if (!is_good) {
        return refusal("'prompt' must be text, token ids, or an array of at most 128 of these.",
                       "prompt");
    }
    return finish_answer(completion_dialect, request, prompts, prompt_tokens, settings);
}

}  // namespace sluicegate::openai::echo
