#include "sluicegate/openai/affinity.hpp"

#include <algorithm>
#include <functional>

namespace sluicegate::openai {

std::optional<std::uint64_t> affinity_hash(const Inspection& inspection, std::string_view body,
                                           std::size_t bytes) {
    if (inspection.conversation.size == 0) return std::nullopt;
    // The closing bracket is left out: the next turn continues there.
    const std::size_t open_size = inspection.conversation.size - 1;
    const std::string_view beginning =
        body.substr(inspection.conversation.offset, std::min(open_size, bytes));
    return std::hash<std::string_view>{}(beginning);
}

}  // namespace sluicegate::openai
