#pragma once
/// Text that must not be shown: it has no stream operator and no formatter, and is wiped when
/// destroyed.

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace sluicegate {

/// Zeroes the memory of `text`, all that it may have held since it was given that memory.
inline void wipe(std::string& text) noexcept {
    // explicit_bzero is not optimised away, unlike memset before a free.
    ::explicit_bzero(text.data(), text.capacity());
    text.clear();
}
void grow_wiping(std::string& text, std::size_t size);
/// Makes room for `size` bytes. A text that moves leaves nothing behind.
inline void reserve_wiping(std::string& text, std::size_t size) {
    if (size > text.capacity()) grow_wiping(text, size);
}

class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret() { wipe(); }

    /// The text. Check at each use that it goes only to the upstream.
    [[nodiscard]] std::string_view reveal() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    friend bool operator==(const Secret&, const Secret&) = default;

private:
    void wipe() noexcept;
    std::string text_;
};

}  // namespace sluicegate
