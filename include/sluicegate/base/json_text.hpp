#pragma once
/// Writes JSON straight into a buffer, for log lines and the few answers on the request path. All
/// other code builds JSON with nlohmann_json.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate {

/// Appends `text` as a JSON string with its quotes. Bytes that are not valid UTF-8 become U+FFFD,
/// so the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);
void append_decimal(std::string& out, std::int64_t value);
inline constexpr std::size_t json_member_name_bytes_max = 256;
/// Append `,"name":value` to an object that has a member already. `name` needs no escape, and has
/// at most json_member_name_bytes_max bytes.
void append_json_member(std::string& out, std::string_view name, std::string_view value);
void append_json_member(std::string& out, std::string_view name, std::int64_t value);

}  // namespace sluicegate
