#pragma once
/// Users and ids for the tests of this folder.

#include "sluicegate/auth/key_ring.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::test {

inline config::ApiKey api_key(std::string_view id, std::string_view text) {
    config::ApiKey key;
    key.id = id;
    key.sha256 = auth::hash_key(text);
    return key;
}

/// Models are numbered from 0 in this order; any other name is a model that is off.
inline constexpr std::string_view model_names[] = {"echo", "gpt-4o", "llama"};

/// Users get 100, 101, … in the order in which the ring first asks.
inline auth::KeyRing::Ids ids() {
    auto seen = std::make_shared<std::vector<std::string>>();
    return {.user =
                [seen](std::string_view name) {
                    auto at = std::find(seen->begin(), seen->end(), name);
                    if (at == seen->end()) at = seen->emplace(seen->end(), name);
                    return UserId(static_cast<std::uint32_t>(100 + (at - seen->begin())));
                },
            .model = [](std::string_view name) -> std::optional<ModelId> {
                const auto* const at =
                    std::find(std::begin(model_names), std::end(model_names), name);
                if (at == std::end(model_names)) return std::nullopt;
                return ModelId(static_cast<std::uint32_t>(at - std::begin(model_names)));
            }};
}

}  // namespace sluicegate::test
