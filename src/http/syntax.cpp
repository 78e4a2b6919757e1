#include "sluicegate/http/syntax.hpp"

#include "http/octets.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace sluicegate::http {
namespace {

template <class Block>
std::uint64_t block_at(const char* bytes) noexcept {
    Block block = 0;
    std::memcpy(&block, bytes, sizeof block);
    return block;
}

/// Eight bytes with their ASCII letters in lower case; no byte carries into the next.
std::uint64_t lower_block(std::uint64_t block) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = 0x8080808080808080;
    const std::uint64_t low_bits = block & ~highs;
    const std::uint64_t from_a = low_bits + ones * (0x80 - 'A');
    const std::uint64_t beyond_z = low_bits + ones * (0x7F - 'Z');
    const std::uint64_t is_upper = from_a & ~beyond_z & ~block & highs;
    return block | is_upper >> 2U;
}

/// Compares block by block. The last block may overlap the one before it.
template <class Block>
bool blocks_equal(std::string_view left, std::string_view right) noexcept {
    const auto differ_at = [&](std::size_t at) {
        const std::uint64_t a = block_at<Block>(left.data() + at);
        const std::uint64_t b = block_at<Block>(right.data() + at);
        return a != b && lower_block(a) != lower_block(b);
    };
    for (std::size_t at = 0; at + sizeof(Block) < left.size(); at += sizeof(Block)) {
        if (differ_at(at)) return false;
    }
    return !differ_at(left.size() - sizeof(Block));
}

}  // namespace

bool is_token(std::string_view text) noexcept {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return is(c, token_octet); });
}

bool is_field_value(std::string_view text) noexcept {
    if (text.empty()) return true;
    if (is_white_space(text.front()) || is_white_space(text.back())) return false;
    return find_control(text, 0) == text.size();
}

bool same_size_equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
    if (left.size() >= sizeof(std::uint64_t)) return blocks_equal<std::uint64_t>(left, right);
    if (left.size() >= sizeof(std::uint32_t)) return blocks_equal<std::uint32_t>(left, right);
    return std::equal(left.begin(), left.end(), right.begin(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace sluicegate::http
