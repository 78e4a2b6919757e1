#pragma once
/// The few members of a JSON object that say what an event of a stream is. The text comes from an
/// upstream and may be cut off: the scan finds what it can and checks nothing.

#include "sluicegate/openai/inspect_request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

struct TopLevel {
    bool is_object = false;
    bool is_whole = false;   ///< the object was closed, and nothing follows it
    bool has_error = false;  ///< `error` with a value that JavaScript and Python call true
    bool has_empty_choices = false;
    bool has_filter_results = false;  ///< Azure's prompt_filter_results
    /// It has words under a name in which servers tell errors, and no choices.
    bool tells_error = false;
    bool has_unknown = false;  ///< words in a member that answers do not have
    /// A bit for the name of each member beside those that every chunk has.
    std::uint64_t extras = 0;
    std::optional<std::int64_t> sequence_number;
    std::string_view type;   ///< between its quotes, not decoded
    std::string_view delta;  ///< the text between its quotes, when it is a string
    /// The objects of these members, with their braces; empty for other values.
    std::string_view usage;
    std::string_view response;
    std::string_view message;
    std::string_view choices;  ///< the list, with its brackets
    ByteRange choices_range;
    std::string_view some_usage;  ///< the usage inside another object, as in Groq's `x_groq`
    /// The whole member `usage`, with the comma that must be removed with it.
    ByteRange usage_member;
};

/// For JavaScript and Python.
[[nodiscard]] bool is_truthy(std::string_view value) noexcept;
/// The ids of a response and of its conversation, as a client reads them: decoded. "" where there
/// is none, or where it is too long to be remembered.
struct ResponseIds {
    std::string response;
    std::string conversation;
};
/// Takes what the member says of the ids. Of members that come twice, the last one counts.
void read_id_member(std::string_view raw_key, std::string_view value, ResponseIds& into);
/// Of an object that may be cut off.
[[nodiscard]] ResponseIds response_ids_in(std::string_view response);

[[nodiscard]] TopLevel scan_top_level(std::string_view json);

}  // namespace sluicegate::openai
