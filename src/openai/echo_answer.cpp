#include "sluicegate/openai/echo_answer.hpp"

#include "sluicegate/openai/api_error.hpp"
#include "sluicegate/openai/model_list.hpp"

#include "openai/bounded_json.hpp"
#include "openai/echo_parts.hpp"

#include <array>

namespace sluicegate::openai {
namespace {

using echo::RequestJson;

using Answerer = EchoAnswer (*)(const RequestJson&, const echo::Settings&);

Answerer answerer_for(std::string_view path) noexcept {
    if (path == "/chat/completions") return echo::answer_chat;
    if (path == "/completions") return echo::answer_completion;
    if (path == "/responses") return echo::answer_response;
    if (path == "/embeddings") return echo::answer_embeddings;
    return nullptr;
}

/// 16 hexadecimal digits that differ between requests (FNV-1a).
std::string id_for(std::string_view body, std::int64_t created) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::uint64_t hash = 0xCBF29CE484222325U ^ static_cast<std::uint64_t>(created);
    for (const char c : body) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += digits[hash >> shift & 0xF];
    return out;
}

EchoAnswer unknown_path(std::string_view path) {
    EchoAnswer out;
    out.status = 404;
    out.content_type = "application/json";
    out.body = error_body(ApiError{.message = "Unknown request URL: " + std::string(path) + ".",
                                   .type = "invalid_request_error",
                                   .code = "unknown_url",
                                   .param = {}});
    return out;
}

}  // namespace

EchoAnswer echo_answer(std::string_view path, std::string_view body, std::int64_t tokens,
                       std::int64_t created) {
    if (path == "/models") {
        EchoAnswer out;
        out.content_type = "application/json";
        out.body =
            models_list_body(std::array{ListedModel{.id = "echo", .created = created, .info = {}}});
        return out;
    }
    const Answerer answerer = answerer_for(path);
    if (answerer == nullptr) return unknown_path(path);
    if (body.size() > echo_request_bytes_max) {
        return echo::refusal("The echo upstream takes requests of at most 1 MiB.", "");
    }
    const auto request = parse_bounded<RequestJson>(body, echo_request_bytes_max);
    if (!request.is_object()) return echo::refusal("The request body is not a JSON object.", "");
    const RequestJson& model = echo::member(request, "model");
    if (!model.is_string()) return echo::refusal("You must provide a \"model\".", "model");
    return answerer(request, echo::Settings{.tokens = tokens,
                                            .created = created,
                                            .model = model.get<std::string>(),
                                            .id = id_for(body, created)});
}

}  // namespace sluicegate::openai
