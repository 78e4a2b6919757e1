#include "sluicegate/base/utf8.hpp"

namespace sluicegate {

std::size_t utf8_sequence(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto is_tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return is_tail(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = lead == 0xED ? 0x9F : 0xBF;
        return byte(1) >= low && byte(1) <= high && is_tail(2) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
        const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
        return byte(1) >= low && byte(1) <= high && is_tail(2) && is_tail(3) ? 4 : 0;
    }
    return 0;
}

std::size_t valid_utf8_bytes(std::string_view text) noexcept {
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t size = utf8_sequence(rest);
        if (size == 0) break;
        rest.remove_prefix(size);
    }
    return text.size() - rest.size();
}

}  // namespace sluicegate
