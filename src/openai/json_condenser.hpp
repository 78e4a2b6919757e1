#pragma once
/// Reads JSON of any length and keeps an outline of it: objects stay, arrays and deep objects are
/// emptied, and long strings are cut. So the usage (an object of numbers) can be read from it, but
/// pictures and long texts are dropped.
///
/// Splits   the result does not depend on how the text is split.
/// Bounds   outline_bytes_max; the rest is left out.
/// Errors   none: text that is no JSON gives a useless outline.

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::openai {

class JsonCondenser {
public:
    static constexpr std::size_t outline_bytes_max = 16 * 1024;
    /// `response.usage.output_tokens_details` stands at the fourth level.
    static constexpr std::size_t kept_levels = 4;
    static constexpr std::size_t string_bytes_max = 128;

    void feed(std::string_view bytes);
    [[nodiscard]] std::string_view outline() const noexcept { return outline_; }
    void clear() noexcept { *this = {}; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return outline_.capacity(); }

private:
    void take(char c);
    void take_in_string(char c);
    void keep(char c) {
        if (outline_.size() < outline_bytes_max) outline_ += c;
    }

    std::string outline_;
    std::size_t depth_ = 0;
    std::size_t hidden_from_ = 0;  // nothing is kept below this depth; 0: all is kept
    std::size_t string_bytes_ = 0;
    bool is_in_string_ = false;
    bool is_escaped_ = false;
    bool is_escape_kept_ = false;
};

}  // namespace sluicegate::openai
