#include "openai/delta_text.hpp"

#include "openai/text_scanner.hpp"

#include <algorithm>
#include <cstring>

namespace sluicegate::openai {
namespace {

std::size_t find_in(std::string_view text, std::string_view wanted, std::size_t from) noexcept {
    const void* found =
        memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
    return found == nullptr
               ? std::string_view::npos
               : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t skip_space(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n')) ++at;
    return at;
}

}  // namespace

/// Size of the text between the quotes after decoding: \uXXXX stands for two or three bytes, half
/// of a surrogate pair for two.
std::int64_t decoded_bytes(std::string_view raw) noexcept {
    auto bytes = static_cast<std::int64_t>(raw.size());
    std::size_t at = 0;
    while ((at = raw.find('\\', at)) != std::string_view::npos) {
        const bool is_unicode = at + 1 < raw.size() && raw[at + 1] == 'u';
        bytes -= is_unicode ? 3 : 1;
        at += is_unicode ? 6 : 2;
    }
    return bytes;
}

std::size_t find_member_value(std::string_view json, std::string_view key,
                              std::size_t from) noexcept {
    while (from < json.size()) {
        const std::size_t at = find_in(json, key, from);
        if (at == std::string_view::npos) break;
        from = at + key.size();
        const std::size_t colon = skip_space(json, from);
        if (colon < json.size() && json[colon] == ':') return skip_space(json, colon + 1);
    }
    return std::string_view::npos;
}

DeltaText text_of_members(std::string_view json, std::string_view key) noexcept {
    DeltaText out;
    std::size_t at = 0;
    while ((at = find_member_value(json, key, at)) < json.size()) {
        if (json[at] != '"') continue;
        TextScanner scanner(json.substr(at));
        const std::string_view text = scanner.take_string();
        at = json.size() - scanner.rest().size();
        if (text.empty()) continue;
        if (out.pieces++ == 0) out.first = text;
        out.bytes += std::max<std::int64_t>(decoded_bytes(text), 1);
    }
    return out;
}

std::string_view first_text(std::string_view json, std::string_view key) noexcept {
    std::size_t at = 0;
    while ((at = find_member_value(json, key, at)) < json.size()) {
        if (json[at] == '"') return TextScanner(json.substr(at)).take_string();
    }
    return {};
}

}  // namespace sluicegate::openai
