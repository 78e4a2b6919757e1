#pragma once
/// Counts what the prompt of a JSON body consists of, while the body is checked.

#include "sluicegate/openai/body_fields.hpp"
#include "sluicegate/openai/inspect_request.hpp"

#include "openai/byte_search.hpp"

#include <string_view>

namespace sluicegate::openai {

/// JsonCursor::take_value calls it. Strings and keys come without their quotes, not decoded.
class PromptTally {
public:
    void key(std::string_view raw) noexcept {
        size_.text_bytes += static_cast<std::int64_t>(raw.size());
        if (raw.size() == image_key.size() && raw == image_key) awaits_image_ = true;
    }

    void string(std::string_view raw) noexcept {
        if ((awaits_image_ || raw.size() >= long_text_bytes) && take_media(raw)) return;
        size_.text_bytes += static_cast<std::int64_t>(raw.size());
    }

    void other_scalar() noexcept { ++size_.values; }

    /// A key that may be the name of an id of something stored (names_reference()), and the first
    /// bytes of its value and of what follows in it.
    void reference(std::string_view raw, char value, char inside);

    [[nodiscard]] const PromptSize& size() const noexcept { return size_; }
    /// The fields with ids of files, vector stores and containers, from file_id to container_id.
    [[nodiscard]] const FieldSet& references() const noexcept { return references_; }
    void add(const PromptSize& size) noexcept {
        size_.text_bytes += size.text_bytes;
        size_.values += size.values;
        size_.media_parts += size.media_parts;
    }

private:
    static constexpr std::string_view image_key = "image_url";
    /// Shorter texts are always counted by their bytes.
    static constexpr std::size_t long_text_bytes = 512;

    bool take_media(std::string_view text) noexcept;

    PromptSize size_;
    FieldSet references_;
    bool awaits_image_ = false;  // the URL of a picture comes soon
};

/// A letter or digit of ASCII, or a byte of another character: what counts in a name.
[[nodiscard]] inline bool counts_in_name(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    const unsigned lower = byte | 0x20U;
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
}

/// True for every spelling of the names of references, and for few other keys. It stands on the
/// way of each key of a body, so it looks at the first byte before anything else.
[[nodiscard]] inline bool may_name_reference(std::string_view raw) noexcept {
    constexpr std::size_t shortest = std::string_view("fileId").size();
    if (raw.size() < shortest) return false;
    switch (raw.front()) {
        case 'f':
        case 'F':
        case 'v':
        case 'V':
        case 'c':
        case 'C': break;
        default:
            if (counts_in_name(raw.front())) return false;
    }
    switch (raw.back()) {
        case 'd':
        case 'D':
        case 's':
        case 'S':
        case 'r':
        case 'R': return true;
        default:
            return !counts_in_name(raw.back()) || static_cast<unsigned char>(raw.back()) >= 0x80 ||
                   find_byte(raw, '\\') < raw.size();
    }
}

}  // namespace sluicegate::openai
