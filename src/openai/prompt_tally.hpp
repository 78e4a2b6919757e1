#pragma once
/// Counts what the prompt of a JSON body consists of, while the body is checked.

#include "sluicegate/openai/inspect_request.hpp"

#include <string_view>

namespace sluicegate::openai {

/// JsonCursor::take_value calls it. Strings and keys come without their quotes, not decoded.
class PromptTally {
public:
    void key(std::string_view raw) noexcept {
        size_.text_bytes += static_cast<std::int64_t>(raw.size());
        if (raw.size() == image_key.size() && raw == image_key) awaits_image_ = true;
    }

    void string(std::string_view raw) noexcept {
        if ((awaits_image_ || raw.size() >= long_text_bytes) && take_media(raw)) return;
        size_.text_bytes += static_cast<std::int64_t>(raw.size());
    }

    void other_scalar() noexcept { ++size_.values; }

    [[nodiscard]] const PromptSize& size() const noexcept { return size_; }

private:
    static constexpr std::string_view image_key = "image_url";
    /// Shorter texts are always counted by their bytes.
    static constexpr std::size_t long_text_bytes = 512;

    bool take_media(std::string_view text) noexcept;

    PromptSize size_;
    bool awaits_image_ = false;  // the URL of a picture comes soon
};

}  // namespace sluicegate::openai
