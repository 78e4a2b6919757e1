#pragma once
/// The embedded upstream `kind: echo`: it answers like a model that repeats the last user message.
/// It needs no key and no network. It serves demonstrations, tests and load.
///
/// Tokens   words separated by white space. The answer has exactly `tokens` words: the message is
///          cut or repeated to that length (an empty message is answered with "echo"). The
///          request's own cap (max_tokens and its siblings) shortens it further, with finish_reason
///          "length". With `tokens` 0 the answer is the message itself.
/// Input    usage counts the words of all messages the same way.
/// Bounds   a request has at most echo_request_bytes_max. An answer has at most 10,000 words and
///          about 8 MiB in all choices together. A single word that is longer becomes "echo".
/// Errors   an OpenAI-shaped 400 or 404; never throws.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {

inline constexpr std::size_t echo_request_bytes_max = 1024 * 1024;

struct EchoAnswer {
    unsigned status = 200;
    bool is_stream = false;
    std::string content_type;
    std::string body;                 ///< when not is_stream
    std::vector<std::string> events;  ///< when is_stream: whole events, blank lines included
};

/// `path` is that of upstream_path(): "/chat/completions", "/completions", "/responses",
/// "/embeddings"; "/models" needs no body. `created` is in seconds since 1970.
[[nodiscard]] EchoAnswer echo_answer(std::string_view path, std::string_view body,
                                     std::int64_t tokens, std::int64_t created);

}  // namespace sluicegate::openai
