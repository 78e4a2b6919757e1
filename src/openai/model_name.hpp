#pragma once
/// What a model name from outside must be: it is looked up, logged and written into a request.

#include <string_view>

namespace sluicegate::openai {

/// 1 … model_bytes_max bytes of UTF-8 without control characters.
[[nodiscard]] bool is_model_name(std::string_view text) noexcept;

}  // namespace sluicegate::openai
