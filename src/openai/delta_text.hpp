#pragma once
/// Finds generated text inside one event by a search for its member. The event is not parsed.

#include <cstdint>
#include <string_view>

namespace sluicegate::openai {

/// Position after the colon and white space that follow the next `key` (with its closing quote) at
/// or after `from`; npos if there is none. Inside a string the quote would be escaped, so only
/// members are found.
[[nodiscard]] std::size_t find_member_value(std::string_view json, std::string_view key,
                                            std::size_t from = 0) noexcept;

struct DeltaText {
    std::int64_t pieces = 0;  ///< strings that are not empty
    std::int64_t bytes = 0;   ///< of these, in UTF-8
    std::string_view first;   ///< of these, between its quotes
};

/// Size in UTF-8 of the string whose text between the quotes is `raw`.
[[nodiscard]] std::int64_t decoded_bytes(std::string_view raw) noexcept;

/// All strings of the members whose names end in `key` (which ends in a quote).
[[nodiscard]] DeltaText text_of_members(std::string_view json, std::string_view key) noexcept;

/// The first string of such a member, without its quotes; "" if there is none.
[[nodiscard]] std::string_view first_text(std::string_view json, std::string_view key) noexcept;

}  // namespace sluicegate::openai
