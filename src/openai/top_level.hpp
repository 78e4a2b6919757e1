#pragma once
/// The few members of a JSON object that say what an event of a stream is. For text that an
/// upstream wrote and that may be cut off: finds what it can and checks nothing.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::openai {

struct TopLevel {
    bool has_error = false;  ///< `error` with a value that JavaScript and Python call true
    std::optional<std::int64_t> sequence_number;
    std::string_view type;  ///< between its quotes, as it stands
};

[[nodiscard]] TopLevel scan_top_level(std::string_view json) noexcept;

}  // namespace sluicegate::openai
