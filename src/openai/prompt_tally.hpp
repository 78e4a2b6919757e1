#pragma once
/// Adds up what the prompt of a JSON body is made of while the body is checked.

#include "sluicegate/openai/inspect_request.hpp"

#include <string_view>

namespace sluicegate::openai {

/// A visitor of JsonCursor::take_value.
class PromptTally {
public:
    void key(std::string_view raw) noexcept {
        size_.text_bytes += static_cast<std::int64_t>(raw.size());
        if (raw.size() == image_key.size() && raw == image_key) awaits_image_ = true;
    }

    void scalar(std::string_view token) noexcept {
        if (token.front() != '"') {
            ++size_.values;
            return;
        }
        const std::string_view text = token.substr(1, token.size() - 2);
        if ((awaits_image_ || text.size() >= long_text_bytes) && take_media(text)) return;
        size_.text_bytes += static_cast<std::int64_t>(text.size());
    }

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
