#pragma once
/// Text in the form in which Redaction compares it: escapes undone, lines joined, one case.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluicegate {

/// Where a byte of the plain text stands in its source. Without values at first: thousands are
/// made.
struct SourceRange {
    std::uint32_t begin;
    std::uint32_t end;
};

class PlainText {
public:
    /// Into memory of the caller, for at least `source.size()` bytes and behind it padding for
    /// reads.
    static constexpr std::size_t padding = 8;
    PlainText(std::string_view source, std::span<char> text,
              std::span<SourceRange> places) noexcept;

    [[nodiscard]] std::string_view text() const noexcept { return {text_, size_}; }
    [[nodiscard]] SourceRange place(std::size_t at) const noexcept { return places_[at]; }

private:
    std::size_t take_plain(std::string_view source, std::size_t from) noexcept;
    void push(char byte, std::uint32_t at) noexcept;
    void open_escape(char byte) noexcept;
    [[nodiscard]] bool undo_escape() noexcept;
    [[nodiscard]] bool undo_reference() noexcept;
    [[nodiscard]] std::optional<unsigned> last_digits(std::size_t count) const noexcept;
    void replace(std::size_t count, unsigned value) noexcept;

    char* text_;
    SourceRange* places_;
    std::size_t size_ = 0;
    std::size_t escape_until_ = 0;  ///< an escape may be open while size_ is not beyond
};

}  // namespace sluicegate
