#pragma once
/// The few members of a JSON object that say what an event of a stream is. The text comes from an
/// upstream and may be cut off: the scan finds what it can and checks nothing.

#include "sluicegate/openai/inspect_request.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::openai {

struct TopLevel {
    bool is_object = false;
    bool is_whole = false;   ///< the object was closed, and nothing follows it
    bool has_error = false;  ///< `error` with a value that JavaScript and Python call true
    bool has_empty_choices = false;
    bool has_filter_results = false;  ///< Azure's prompt_filter_results
    std::optional<std::int64_t> sequence_number;
    std::string_view type;   ///< between its quotes, not decoded
    std::string_view delta;  ///< the text between its quotes, when it is a string
    /// The objects of these members, with their braces; empty for other values.
    std::string_view usage;
    std::string_view response;
    std::string_view message;
    /// The whole member `usage`, with the comma that must be removed with it.
    ByteRange usage_member;
};

/// For JavaScript and Python.
[[nodiscard]] bool is_truthy(std::string_view value) noexcept;
/// `id`, unless it is too long to be remembered.
[[nodiscard]] std::string_view kept_id(std::string_view id) noexcept;
/// The id in a `conversation`: a text, or an object with one.
[[nodiscard]] std::string_view conversation_id_of(std::string_view value) noexcept;

[[nodiscard]] TopLevel scan_top_level(std::string_view json) noexcept;

}  // namespace sluicegate::openai
