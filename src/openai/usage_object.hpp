#pragma once
/// Reads one `usage` object, and the words that say why an answer ended.

#include "sluicegate/openai/usage.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// `object` is the text of the value. Nothing for null and for objects without a number.
[[nodiscard]] std::optional<Usage> read_usage(std::string_view object);

/// `text` if it is one word as in AnswerFacts, else "".
[[nodiscard]] std::string_view reason_word(std::string_view text) noexcept;

/// Why a response (the object of the responses endpoint) ended: its status, or the reason inside
/// incomplete_details. "" if it has not ended.
[[nodiscard]] std::string_view response_reason(std::string_view status,
                                               std::string_view incomplete_details) noexcept;

}  // namespace sluicegate::openai
