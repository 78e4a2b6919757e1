#pragma once
/// Reads the choices of one event: their text, why they ended, and what else a client could want.
/// The text comes from an upstream and may be cut off: the scan finds what it can.

#include "openai/delta_text.hpp"
#include "openai/text_scanner.hpp"

#include <cstdint>
#include <string_view>

namespace sluicegate::openai {

struct ChoiceFacts {
    std::int64_t index = 0;               ///< as it says; without it, its place in the list
    DeltaText text = {};                  ///< content, reasoning, arguments of calls
    std::string_view finish_reason = {};  ///< between its quotes
    std::string_view usage = {};          ///< the object, as some upstreams put it here
    /// It holds more than a role and empty members: text, a call, or why it ended.
    bool has_output = false;
    bool has_error = false;    ///< a truthy `error`, or "error" as the reason
    bool has_unknown = false;  ///< words in a member that answers do not have
};

/// `choice` is one object of the list, `position` its place there.
[[nodiscard]] ChoiceFacts read_choice(std::string_view choice, std::int64_t position);

/// Calls `visit` for each choice of a list.
template <class Visit>
void for_each_choice(std::string_view list, Visit visit) {
    TextScanner scanner(list);
    if (!scanner.take('[')) return;
    std::int64_t position = 0;
    do {
        const std::string_view value = scanner.take_value();
        if (value.starts_with('{')) visit(read_choice(value, position++));
    } while (scanner.take(','));
}

}  // namespace sluicegate::openai
