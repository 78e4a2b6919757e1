#pragma once
/// Requests that state what they may cost, for tests of limits in tokens.

#include "behaviour/harness.hpp"

namespace sluicegate::support {

/// A chat completion whose body ends with `more_members` (`,"max_tokens":5`).
[[nodiscard]] inline std::string chat_with(std::string_view key, std::string_view model,
                                           std::string_view more_members,
                                           std::string_view more_fields = {}) {
    std::string body = chat_body(model);
    body.insert(body.size() - 1, more_members);
    return post_json("/v1/chat/completions", key, body, more_fields);
}

/// A chat completion of at most so many output tokens.
[[nodiscard]] inline std::string capped_chat(std::string_view key, std::string_view model,
                                             int max_tokens, bool is_streaming = false) {
    return chat_with(key, model,
                     R"(,"max_tokens":)" + std::to_string(max_tokens) +
                         (is_streaming ? R"(,"stream":true)" : ""));
}

[[nodiscard]] inline std::int64_t tokens_left(const Response& response) {
    return number_in(response, "x-ratelimit-remaining-tokens");
}

}  // namespace sluicegate::support
