#include "openai/member_names.hpp"

#include "openai/json_text.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sluicegate::openai {
namespace {

// In each list the names that come most often stand first.
constexpr auto answer_members = std::to_array<std::string_view>({
    "id",
    "object",
    "created",
    "model",
    "choices",
    "usage",
    "system_fingerprint",
    "service_tier",
    "obfuscation",
    "type",
    "sequence_number",
    "item_id",
    "output_index",
    "content_index",
    "delta",
    "logprobs",
    "provider",
    "timings",
    "prompt_filter_results",
    "data",
    "results",
    "output",
    "text",
    "response",
    "item",
    "part",
    "arguments",
    "status",
    "created_at",
    "completed_at",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "output_text",
    "parallel_tool_calls",
    "previous_response_id",
    "conversation",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "store",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "background",
    "billing",
    "frequency_penalty",
    "presence_penalty",
    "summary_index",
    "annotation",
    "annotation_index",
    "refusal",
    "name",
    "code_interpreter_call",
    "partial_image_b64",
    "partial_image_index",
    "b64_json",
    "output_format",
    "quality",
    "size",
    "audio",
    "language",
    "duration",
    "task",
    "segments",
    "words",
    "embeddings",
    "kv_transfer_params",
    "prompt_logprobs",
    "prompt_token_ids",
});

constexpr auto choice_members = std::to_array<std::string_view>(
    {"index", "delta", "logprobs", "finish_reason", "message", "text", "stop_reason", "usage",
     "native_finish_reason", "matched_stop", "content_filter_results", "content_filter_result",
     "content_filter_offsets", "token_ids", "prompt_token_ids", "prompt_logprobs", "seed"});

constexpr auto message_members = std::to_array<std::string_view>(
    {"content", "role", "reasoning_content", "reasoning", "tool_calls", "refusal", "annotations",
     "function_call", "audio", "reasoning_details", "thinking", "images", "name"});

template <class Names>
bool is_in(const Names& names, std::string_view key) noexcept {
    return std::ranges::find(names, key) != names.end();
}

/// Names with escapes are rare, and short.
std::string plain_name(std::string_view key) {
    return has_escape(key) && has_valid_escapes(key) ? decode_string(key) : std::string(key);
}

}  // namespace

bool is_named(std::string_view key, std::string_view name) {
    if (key == name) return true;
    return key.size() > name.size() && has_escape(key) && plain_name(key) == name;
}

bool names_error(std::string_view key) {
    constexpr std::string_view names[] = {"error",      "errors",     "detail",    "details",
                                          "message",    "exception",  "fault",     "error_message",
                                          "error_type", "msg",        "error_msg", "errormessage",
                                          "reason",     "statuscode", "base_resp"};
    constexpr std::size_t name_bytes_max = 96;
    if (key.size() > name_bytes_max) return false;
    std::string name = plain_name(key);
    for (char& c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return std::ranges::find(names, name) != std::end(names);
}

bool is_of_answer(std::string_view key) noexcept {
    return is_in(answer_members, key);
}

bool is_of_choice(std::string_view key) noexcept {
    return is_in(choice_members, key);
}

bool is_of_message(std::string_view key) noexcept {
    return is_in(message_members, key);
}

}  // namespace sluicegate::openai
