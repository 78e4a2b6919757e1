#pragma once
/// Reads a multipart/form-data body part by part, without copying it.
///
/// Grammar  RFC 2046, 5.1.1 and RFC 7578, read strictly where parsers differ: delimiters stand on
///          their own lines, without padding but for the last; line ends are CRLF. A preamble and
///          an epilogue are stepped over. No part may contain the delimiter followed by other
///          bytes, or behind a bare CR or LF; nor may a preamble.
/// Names    exactly one Content-Disposition per part, form-data with one plain `name`; a name with
///          an escape or a percent sign is refused, because parsers decode it differently. So is
///          each parameter with a star in its name, but for `filename*`.
/// Bounds   multipart_parts_max, multipart_part_head_bytes_max, multipart_inner_boundaries_max.

#include "sluicegate/base/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

struct Part {
    std::string name;
    bool is_file = false;  ///< it has a filename
    /// The part's Content-Type as it was sent; absent if it has none.
    std::optional<std::string_view> content_type;
    std::string_view value;
};

class MultipartReader {
public:
    /// `boundary` is decoded; the views must stay valid.
    MultipartReader(std::string_view boundary, std::string_view body)
        : delimiter_("\r\n--" + std::string(boundary)), body_(body) {}

    /// The next part, or nothing after the last. Errors: invalid_body; do not call it again after
    /// one.
    [[nodiscard]] Result<std::optional<Part>> next();

    /// After the last part: the form without preamble and epilogue, as a part of the body.
    [[nodiscard]] std::size_t form_begin() const noexcept { return form_begin_; }
    [[nodiscard]] std::size_t form_end() const noexcept { return form_end_; }

private:
    [[nodiscard]] Result<void> take_preamble();
    [[nodiscard]] bool take_text(std::string_view text) noexcept;
    [[nodiscard]] Result<std::string_view> take_head();
    /// And the delimiter behind it.
    [[nodiscard]] Result<std::string_view> take_value();

    std::string delimiter_;
    std::string_view body_;
    std::size_t position_ = 0;
    std::size_t count_ = 0;
    std::size_t form_begin_ = 0;
    std::size_t form_end_ = 0;
    /// Of boundaries inside a line, which delimit nothing.
    std::size_t inner_count_ = 0;
};

}  // namespace sluicegate::openai
