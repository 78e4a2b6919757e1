#include "sluicegate/openai/likely_cause.hpp"

#include "openai/gemini_method.hpp"

namespace sluicegate::openai {
namespace {

constexpr std::string_view anthropic =
    "This is a path of Anthropic's API, and this gateway serves OpenAI's: use an OpenAI client and "
    "POST /v1/chat/completions.";
constexpr std::string_view gemini =
    "This is a path of Gemini's API, and this gateway serves OpenAI's: use an OpenAI client and "
    "POST /v1/chat/completions.";
constexpr std::string_view ollama =
    "This is a path of Ollama's own API, and this gateway serves OpenAI's: use an OpenAI client "
    "and POST /v1/chat/completions.";
constexpr std::string_view files =
    "Files are not served: send a file's content in the request itself.";
constexpr std::string_view batches = "Batches are not served: send the requests one by one.";
constexpr std::string_view realtime =
    "The realtime API is not served: use POST /v1/chat/completions or POST /v1/responses with "
    "\"stream\": true.";
constexpr std::string_view stored =
    "Stored answers are not served by their id: keep the answer, and send the conversation with "
    "each request.";
constexpr std::string_view stateful =
    "The gateway keeps no such resources, because its users share one upstream account: send what "
    "a request needs in the request itself.";
constexpr std::string_view fine_tuning = "Fine-tuning is not served: use the provider's own API.";
constexpr std::string_view administration =
    "The provider's administration is not served: use the provider's own API.";
constexpr std::string_view old_engines =
    "The engines API is no longer served: use POST /v1/completions with a \"model\".";
constexpr std::string_view doubled_version =
    "The path holds /v1 twice: the base URL of the client should end in one /v1.";
constexpr std::string_view doubled_endpoint =
    "The path holds an endpoint twice: the base URL of the client should end in /v1.";
constexpr std::string_view deployments =
    "Of Azure's paths, /openai/deployments/MODEL is served with chat/completions, completions, "
    "embeddings, images and audio, and /openai/v1 like /v1.";

struct Cause {
    std::string_view path;  ///< behind the version: the whole path, or its first segments
    std::string_view text;
};

constexpr Cause causes[] = {
    {"/messages", anthropic},      {"/complete", anthropic},      {"/files", files},
    {"/uploads", files},           {"/batches", batches},         {"/realtime", realtime},
    {"/responses", stored},        {"/chat/completions", stored}, {"/conversations", stateful},
    {"/assistants", stateful},     {"/threads", stateful},        {"/vector_stores", stateful},
    {"/containers", stateful},     {"/evals", stateful},          {"/videos", stateful},
    {"/fine_tuning", fine_tuning}, {"/fine-tunes", fine_tuning},  {"/organization", administration},
    {"/projects", administration}, {"/engines", old_engines},     {"/deployments", deployments},
};

constexpr std::string_view ollama_paths[] = {"/api/chat",   "/api/generate",   "/api/tags",
                                             "/api/embed",  "/api/embeddings", "/api/show",
                                             "/api/version"};

constexpr std::string_view endpoint_ends[] = {"/chat/completions", "/completions", "/responses",
                                              "/embeddings", "/models"};

/// True for `prefix` itself and for what lies below it.
bool is_at(std::string_view path, std::string_view prefix) noexcept {
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

bool strip_segment(std::string_view& path, std::string_view segment) noexcept {
    if (!is_at(path, segment)) return false;
    path.remove_prefix(segment.size());
    return true;
}

bool names_endpoint_twice(std::string_view path) noexcept {
    for (const std::string_view first : endpoint_ends) {
        std::string_view rest = path;
        if (!strip_segment(rest, first)) continue;
        strip_segment(rest, "/v1");
        for (const std::string_view second : endpoint_ends) {
            if (is_at(rest, second)) return true;
        }
    }
    return false;
}

}  // namespace

std::string_view likely_cause(std::string_view path) noexcept {
    while (path.starts_with("//")) path.remove_prefix(1);
    for (const std::string_view one : ollama_paths) {
        if (is_at(path, one)) return ollama;
    }
    if (is_at(path, "/v1beta") || is_at(path, "/v1alpha") || is_gemini_method(path)) return gemini;
    const bool has_version = strip_segment(path, "/v1");
    strip_segment(path, "/openai");
    if (strip_segment(path, "/v1") && has_version) return doubled_version;
    if (names_endpoint_twice(path)) return doubled_endpoint;
    for (const Cause& cause : causes) {
        if (is_at(path, cause.path)) return cause.text;
    }
    return {};
}

}  // namespace sluicegate::openai
