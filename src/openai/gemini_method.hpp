#pragma once
/// How a path of Gemini's API ends: `models/gemini-2.0-flash:generateContent`.

#include <string_view>

namespace sluicegate::openai {

/// False for a model of OpenAI's form with a colon in it, such as `llama3:8b`.
[[nodiscard]] constexpr bool is_gemini_method(std::string_view path) noexcept {
    constexpr std::string_view methods[] = {":generateContent",    ":streamGenerateContent",
                                            ":countTokens",        ":embedContent",
                                            ":batchEmbedContents", ":predict"};
    for (const std::string_view method : methods) {
        if (path.ends_with(method)) return true;
    }
    return false;
}

}  // namespace sluicegate::openai
