#pragma once
/// The content coding that a head names (RFC 9110, 8.4).

#include "sluicegate/http/field_table.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::http {

/// Those that can be decoded. `deflate` is the zlib format; the bare one, which some peers send
/// under this name, is read too.
enum class ContentCoding : std::uint8_t { identity, gzip, deflate, br, zstd };

/// As in `Accept-Encoding`.
inline constexpr std::string_view decoded_codings = "gzip, deflate, br, zstd";

[[nodiscard]] std::string_view name_of(ContentCoding coding) noexcept;

/// All Content-Encoding fields together; letter case and `identity` make no difference, and
/// `x-gzip` is gzip. None for a coding that is not known, and for several, one over the other.
[[nodiscard]] std::optional<ContentCoding> content_coding_of(const FieldTable& fields) noexcept;

}  // namespace sluicegate::http
