#include "support/script.hpp"

#include <array>
#include <cstdio>

namespace sluicegate::support {
namespace {

std::string usage_member(int prompt_tokens, int completion_tokens) {
    return R"("usage":{"prompt_tokens":)" + std::to_string(prompt_tokens) +
           R"(,"completion_tokens":)" + std::to_string(completion_tokens) + R"(,"total_tokens":)" +
           std::to_string(prompt_tokens + completion_tokens) + "}";
}

}  // namespace

Script& Script::send_in_pieces(std::string_view bytes, std::size_t piece) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        send(std::string(bytes.substr(at, piece)));
    }
    return *this;
}

std::string response_head(int status, const FieldText& fields) {
    return "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n" + fields + "\r\n";
}

std::string response(int status, std::string_view content_type, std::string_view body,
                     const FieldText& more_fields) {
    return response_head(status, "Content-Type: " + std::string(content_type) +
                                     "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                                     more_fields) +
           std::string(body);
}

std::string json_response(int status, std::string_view body, const FieldText& more_fields) {
    return response(status, "application/json", body, more_fields);
}

std::string sse_head(const FieldText& more_fields) {
    return response_head(
        200, "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n" + more_fields);
}

std::string chunk(std::string_view payload) {
    std::array<char, 32> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", payload.size());
    return size.data() + std::string(payload) + "\r\n";
}

std::string chat_event(std::string_view content) {
    return R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,)"
           R"("model":"m","choices":[{"index":0,"delta":{"content":")" +
           std::string(content) + R"("},"finish_reason":null}]})" + "\n\n";
}

std::string usage_event(int prompt_tokens, int completion_tokens) {
    return R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,)"
           R"("model":"m","choices":[],)" +
           usage_member(prompt_tokens, completion_tokens) + "}\n\n";
}

std::string answer_to(std::string_view target) {
    const auto is_for = [target](std::string_view path) {
        return target.find(path) != std::string_view::npos;
    };
    if (is_for("/chat/completions")) return chat_answer();
    if (is_for("/completions")) {
        return json_response(
            200, R"({"choices":[{"index":0,"text":"hello"}],)" + usage_member(1, 1) + "}");
    }
    if (is_for("/responses")) {
        return json_response(200, R"({"id":"resp_1","object":"response","status":"completed",)"
                                  R"("output":[]})");
    }
    if (is_for("/moderations") || is_for("/rerank")) return json_response(200, R"({"results":[]})");
    if (is_for("/audio/speech")) return response(200, "audio/mpeg", "ID3");
    if (is_for("/audio/")) return json_response(200, R"({"text":"hello"})");
    if (is_for("/embeddings") || is_for("/images/")) {
        return json_response(200, R"({"object":"list","data":[],)" + usage_member(1, 0) + "}");
    }
    return chat_answer();
}

std::string chat_answer(int prompt_tokens, int completion_tokens, const FieldText& more_fields) {
    return json_response(
        200,
        R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m",)"
        R"("choices":[{"index":0,"message":{"role":"assistant","content":"hello"},)"
        R"("finish_reason":"stop"}],)" +
            usage_member(prompt_tokens, completion_tokens) + "}",
        more_fields);
}

}  // namespace sluicegate::support
