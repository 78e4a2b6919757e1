#pragma once
/// What the gateway reads from a complete JSON answer: usage, text, and why it ended.
///
/// Threads  any.

#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/usage.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// A longer id is not remembered.
inline constexpr std::size_t kept_id_bytes_max = 512;

struct AnswerFacts {
    /// At each place where upstreams put it: beside the output, inside a choice (of several the
    /// sum), or inside an object beside it.
    std::optional<Usage> usage;
    /// The finish_reason of the first choice that has one; for a response its status, or why it is
    /// incomplete; for Anthropic its stop_reason. A word of at most 32 letters and underscores, or
    /// "".
    std::string finish_reason;
    /// Bytes of generated text, counted between the quotes. Used when there is no usage.
    std::int64_t output_bytes = 0;
    /// Of a response: its id and that of its conversation, decoded, and however their names are
    /// spelled. At most kept_id_bytes_max; "" where there is none.
    std::string response_id;
    std::string conversation_id;
    /// The text is one complete object or array in valid UTF-8, with only white space around it.
    /// All strings and brackets are closed. Commas, colons and numbers are not checked: the text is
    /// passed on as it is, so only missing parts matter.
    bool is_whole = false;
    /// It has the member that an answer of the endpoint must have: `choices` with one that is of
    /// use, `output`, `data`, `results`, `text`.
    bool is_answer = false;
    /// It has a truthy `error`, whatever stands beside it.
    bool has_error = false;
    /// It has words in a member that answers do not have, or is no object.
    bool may_tell_error = false;
};

/// Returns empty facts for text that is no JSON object. The usage is read even if the text has a
/// fault (half a character, a control character). Text may have any size; it is read once.
[[nodiscard]] AnswerFacts facts_of_answer(Endpoint endpoint, std::string_view json_body);

}  // namespace sluicegate::openai
