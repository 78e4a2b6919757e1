#pragma once
/// A body with another model name in it: three pieces for one gathered write.

#include "sluicegate/openai/inspect_request.hpp"

#include <string>
#include <string_view>

namespace sluicegate::openai {

/// The views point into the body; everything but the model's value stays byte for byte.
struct Spliced {
    std::string_view before;
    std::string replacement;
    std::string_view after;

    [[nodiscard]] std::size_t size() const noexcept {
        return before.size() + replacement.size() + after.size();
    }
};

/// `inspection` must be that of `body`. `upstream_model` comes from the configuration and holds no
/// line break.
[[nodiscard]] Spliced replace_model(const Inspection& inspection, std::string_view body,
                                    std::string_view upstream_model);

}  // namespace sluicegate::openai
