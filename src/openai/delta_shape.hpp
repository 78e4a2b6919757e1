#pragma once
/// Remembers an event of a stream that did nothing but add text, and recognises the next ones that
/// are the same but for that text. Servers repeat the same 300 bytes around every token; comparing
/// them is several times faster than searching them.
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

    /// The text that `data` adds, if it is of the remembered shape and holds no escape; its data()
    /// is null otherwise.
    [[nodiscard]] std::string_view match(std::string_view data) const noexcept;
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return before_.capacity() + middle_.capacity() + after_.capacity();
    }

private:
    bool has_shape_ = false;
    bool has_noise_ = false;
    std::string before_;  // up to and including the quote before the text
    std::string middle_;  // from the quote behind the text up to the noise, or to the end
    std::string after_;   // from the quote behind the noise, when there is any
};

}  // namespace sluicegate::openai
