#pragma once
/// The rule for model names from outside: they are looked up, logged and written into a request.

#include <string_view>

namespace sluicegate::openai {

/// 1 … model_bytes_max bytes of UTF-8 without control characters.
[[nodiscard]] bool is_model_name(std::string_view text) noexcept;

}  // namespace sluicegate::openai
