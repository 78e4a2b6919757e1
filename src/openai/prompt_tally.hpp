#pragma once
/// Adds up what the prompt of a JSON body is made of while the body is checked.

#include "sluicegate/openai/inspect_request.hpp"

#include <string_view>

namespace sluicegate::openai {

/// Told by JsonCursor::take_value; strings and keys come as they stand between their quotes.
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
    /// Shorter texts are counted by their bytes, whatever they are.
    static constexpr std::size_t long_text_bytes = 512;

    bool take_media(std::string_view text) noexcept;

    PromptSize size_;
    bool awaits_image_ = false;  // the address of a picture comes next, or nearly next
};

}  // namespace sluicegate::openai
