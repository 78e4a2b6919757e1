#pragma once
/// For short texts that are put together on the stack, so that the string they go to grows once.

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace sluicegate {

/// The size beyond which a text is not short.
inline constexpr std::size_t short_text_bytes_max = 512;
using ShortText = std::array<char, short_text_bytes_max>;

/// Copies `piece` to `to`, where there is room for it. Returns the place behind it.
[[nodiscard]] inline char* put_text(char* to, std::string_view piece) noexcept {
    if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
    return to + piece.size();
}

}  // namespace sluicegate
