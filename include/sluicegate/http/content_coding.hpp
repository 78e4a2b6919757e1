#pragma once
/// The content coding that a head names (RFC 9110, 8.4).

#include "sluicegate/http/field_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluicegate::http {

/// Those that can be decoded. `deflate` is the zlib format; the bare one, which some peers send
/// under this name, is read too.
enum class ContentCoding : std::uint8_t { identity, gzip, deflate, br, zstd };

/// As in `Accept-Encoding`.
inline constexpr std::string_view decoded_codings = "gzip, deflate, br, zstd";

[[nodiscard]] std::string_view name_of(ContentCoding coding) noexcept;

/// One over the other, in the order in which they were applied.
class ContentCodings {
public:
    static constexpr std::size_t count_max = 3;

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::span<const ContentCoding> list() const noexcept {
        return std::span(codings_).first(count_);
    }
    /// Not `identity`. False if there are count_max already.
    [[nodiscard]] bool add(ContentCoding coding) noexcept {
        if (count_ == count_max) return false;
        codings_[count_++] = coding;
        return true;
    }
    [[nodiscard]] ContentCoding last() const noexcept {
        return empty() ? ContentCoding::identity : codings_[count_ - 1];
    }
    void drop_last() noexcept { --count_; }
    void clear() noexcept { count_ = 0; }

private:
    std::array<ContentCoding, count_max> codings_{};
    std::size_t count_ = 0;
};

/// All Content-Encoding fields together; letter case and `identity` make no difference, and
/// `x-gzip` is gzip. None for a coding that is not known, and for more than count_max.
[[nodiscard]] std::optional<ContentCodings> content_codings_of(const FieldTable& fields) noexcept;

/// As many bytes as codings_by_sight() needs at most.
inline constexpr std::size_t sight_bytes = 8;

/// The codings of a body of JSON, events, text or media that begins with `beginning`. `named` is
/// what its head says, which may be wrong: gzip and zstd are known by their first bytes, and text
/// is in no coding. None while more bytes could tell; that is never so with sight_bytes, or if
/// `is_all` there is.
[[nodiscard]] std::optional<ContentCodings> codings_by_sight(ContentCodings named,
                                                             std::string_view beginning,
                                                             bool is_all) noexcept;

}  // namespace sluicegate::http
