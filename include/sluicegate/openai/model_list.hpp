#pragma once
/// Bodies of GET /models and GET /models/{id}.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// The `created` of a model whose configuration gives none: a moment that never changes, because
/// clients compare it. 2025-01-01.
inline constexpr std::int64_t model_created = 1'735'689'600;

struct ListedModel {
    std::string_view id;
    std::int64_t created = model_created;  ///< seconds since 1970
    std::string_view info = {};            ///< JSON members, each with a comma before it
};

[[nodiscard]] std::string models_list_body(std::span<const ListedModel> models);
[[nodiscard]] std::string model_body(const ListedModel& model);

}  // namespace sluicegate::openai
