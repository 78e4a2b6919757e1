#pragma once
/// One `usage` object, and the words that say why an answer ended.

#include "sluicegate/openai/usage.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// `object` is the text of the value; nothing for null and for whatever holds no number.
[[nodiscard]] std::optional<Usage> read_usage(std::string_view object);

/// `text` if it is one word, as AnswerFacts has it; otherwise "".
[[nodiscard]] std::string_view reason_word(std::string_view text) noexcept;

/// Why a response (the object of the responses endpoint) ended: its status, or the reason inside
/// incomplete_details; "" while it is not over.
[[nodiscard]] std::string_view response_reason(std::string_view status,
                                               std::string_view incomplete_details) noexcept;

}  // namespace sluicegate::openai
