#pragma once
/// Bodies of GET /models and GET /models/{id}. `created` is in seconds since 1970.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluicegate::openai {

[[nodiscard]] std::string models_list_body(std::span<const std::string_view> ids,
                                           std::int64_t created);
[[nodiscard]] std::string model_body(std::string_view id, std::int64_t created);

}  // namespace sluicegate::openai
