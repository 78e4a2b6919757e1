#pragma once
/// Remembers an event that only added text, and recognises events that differ in that text alone.
/// Servers repeat the same 300 bytes around every token, and comparing them is several times faster
/// than searching them.
///
/// Exact  a match means that the event parses to the same JSON with another string in one place
///        (and in `obfuscation`, which OpenAI fills with noise).

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::openai {

class DeltaShape {
public:
    /// `text` is the part of `data` between the quotes of the string that it adds.
    void remember(std::string_view data, std::string_view text);
    void forget() noexcept { has_shape_ = false; }

    /// The text that `data` adds, if it has the remembered shape and no escape. Else its data() is
    /// null.
    [[nodiscard]] std::string_view match(std::string_view data) const noexcept;
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return before_.capacity() + middle_.capacity() + after_.capacity();
    }

private:
    bool has_shape_ = false;
    bool has_noise_ = false;
    std::string before_;  // up to the quote before the text, included
    std::string middle_;  // from the quote after the text to the noise, or to the end
    std::string after_;   // from the quote after the noise, if there is any
};

}  // namespace sluicegate::openai
