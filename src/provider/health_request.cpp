#include "sluicegate/provider/health_request.hpp"

#include "sluicegate/base/json_text.hpp"
#include "sluicegate/base/upstream_words.hpp"
#include "sluicegate/base/wipe_scope.hpp"
#include "sluicegate/config/secrets.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/fields.hpp"
#include "sluicegate/provider/target.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

namespace sluicegate::provider {
namespace {

constexpr std::size_t said_bytes_max = 120;

/// Cut before a character, never inside one.
std::string beginning_of(const std::string& text) {
    std::size_t size = std::min(text.size(), said_bytes_max);
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    return text.substr(0, size);
}

/// What a probe asks, by what its model can answer.
struct Question {
    http::Method method = http::Method::post;
    openai::Endpoint endpoint = openai::Endpoint::chat_completions;
    std::string_view rest;  ///< of the JSON, behind the model
};

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    return out;
}

bool holds_one_of(std::string_view text, std::initializer_list<std::string_view> parts) {
    return std::ranges::any_of(
        parts, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

/// Models of OpenAI that reason: they refuse `max_tokens`, and a limit below 16 at times.
bool is_reasoning(std::string_view name) {
    for (const std::string_view family : {"o1", "o3", "o4", "gpt-5", "gpt-6"}) {
        if (!name.starts_with(family)) continue;
        const std::string_view rest = name.substr(family.size());
        if (rest.empty() || rest.front() < '0' || rest.front() > '9') return true;
    }
    return false;
}

/// Pictures, recordings and films cost too much to be made for a probe: the list of models tells
/// that the server answers and takes the key.
Question question_for(std::string_view model) {
    const std::string whole = lower_case(model);
    // openai/o1, ft:gpt-4o:…: what stands before the name of the model says nothing.
    std::string_view name = whole;
    if (name.starts_with("ft:")) name.remove_prefix(3);
    name.remove_prefix(name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1);
    using openai::Endpoint;
    if (holds_one_of(name, {"rerank"})) {
        return {.endpoint = Endpoint::rerank, .rest = R"(,"query":"ping","documents":["pong"]})"};
    }
    if (holds_one_of(name, {"embed", "bge-", "gte-", "e5-", "minilm", "mpnet", "jina-clip"})) {
        return {.endpoint = Endpoint::embeddings, .rest = R"(,"input":"ping"})"};
    }
    if (holds_one_of(name, {"moderation"})) {
        return {.endpoint = Endpoint::moderations, .rest = R"(,"input":"ping"})"};
    }
    if (holds_one_of(name,
                     {"whisper", "transcribe", "tts", "dall-e", "gpt-image", "stable-diffusion",
                      "sdxl", "flux", "imagen", "sora", "realtime", "kokoro", "parakeet"})) {
        return {.method = http::Method::get, .endpoint = Endpoint::models_list, .rest = ""};
    }
    if (holds_one_of(name, {"codex", "deep-research", "computer-use"}) ||
        ((name.starts_with("o") || name.starts_with("gpt-5")) && holds_one_of(name, {"-pro"}))) {
        return {.endpoint = Endpoint::responses,
                .rest = R"(,"input":"ping","max_output_tokens":16})"};
    }
    if (holds_one_of(name, {"turbo-instruct", "davinci-002", "babbage-002"})) {
        return {.endpoint = Endpoint::completions, .rest = R"(,"prompt":"ping","max_tokens":1})"};
    }
    constexpr std::string_view reasoning =
        R"(,"messages":[{"role":"user","content":"ping"}],"max_completion_tokens":16})";
    constexpr std::string_view ordinary =
        R"(,"messages":[{"role":"user","content":"ping"}],"max_tokens":1})";
    return {.rest = is_reasoning(name) ? reasoning : ordinary};
}

/// A 4xx about the question itself: the server has read it and works. One about its key, its
/// account or the model does say that requests would fail.
bool is_about_question(unsigned status, const openai::ApiError& said) {
    if (status != 400 && status != 413 && status != 415 && status != 422) return false;
    const std::string code = lower_case(said.code);
    const std::string type = lower_case(said.type);
    const std::string words = lower_case(said.message);
    if (holds_one_of(code, {"model_not", "unknown_model", "invalid_model", "api_key", "quota",
                            "billing", "deployment"}) ||
        holds_one_of(type, {"authentication", "permission", "billing", "quota"})) {
        return false;
    }
    if (holds_one_of(words, {"api key", "api_key", "credential", "unauthorized", "credit",
                             "billing", "quota"})) {
        return false;
    }
    const bool is_missing =
        holds_one_of(words, {"does not exist", "doesn't exist", "not found", "unknown model",
                             "invalid model", "no such model", "not loaded"});
    return !(is_missing && words.find("model") != std::string::npos);
}

}  // namespace

http::Method health_method(const config::HealthCheck& check) {
    return check.path.empty() ? question_for(check.model).method : http::Method::get;
}

Secret health_request(const config::Upstream& upstream, std::size_t endpoint) {
    const config::HealthCheck& check = *upstream.health;
    std::string target;
    std::string body;
    if (check.path.empty()) {
        const Question question = question_for(check.model);
        append_target(target, upstream, endpoint, question.endpoint, check.model, "");
        if (!question.rest.empty()) {
            body = R"({"model":)";
            append_json_string(body, check.model);
            body += question.rest;
        }
    } else {
        target = check.path;
    }
    std::string text;
    http::append_request_line(text, health_method(check), target);
    text += fixed_fields(upstream, endpoint).reveal();
    if (!body.empty()) {
        http::append_field(text, "content-type", "application/json");
        http::append_field(text, "content-length", static_cast<std::int64_t>(body.size()));
    }
    http::append_head_end(text);
    text += body;
    return Secret(std::move(text));
}

std::string why_unhealthy(const config::Upstream& upstream, unsigned status,
                          std::string_view body) {
    if (is_success(status)) return {};
    std::string reason = "answered " + std::to_string(status);
    if (status == 401 || status == 403) return reason + ": it refuses the API key";
    const Redaction redaction = config::redaction_of({&upstream, 1});
    const openai::ApiError said = openai::told_error("", redaction.cleaned(body));
    const bool is_question = upstream.health && upstream.health->path.empty();
    if (is_question && is_about_question(status, said)) return {};
    if (!said.message.empty()) {
        reason += ": " + beginning_of(UpstreamWords(said.message, redaction).text());
    }
    return reason;
}

}  // namespace sluicegate::provider
