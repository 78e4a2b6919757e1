#include "openai/multipart_reader.hpp"

#include "sluicegate/openai/inspect_request.hpp"

#include "openai/content_type.hpp"

#include <algorithm>
#include <cstring>

namespace sluicegate::openai {
namespace {

constexpr std::string_view line_end = "\r\n";

Failure malformed(std::string detail) {
    return fail(ErrorKind::invalid_body, "multipart: " + std::move(detail));
}

/// Uses memmem: libstdc++'s find() stops at every first byte, which is frequent in binary files.
std::size_t find_in(std::string_view text, std::string_view wanted) noexcept {
    const void* found = memmem(text.data(), text.size(), wanted.data(), wanted.size());
    return found == nullptr
               ? std::string_view::npos
               : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

bool is_empty_lines(std::string_view text) noexcept {
    while (text.starts_with(line_end)) text.remove_prefix(line_end.size());
    return text.empty();
}

/// RFC 2046, 5.1.1: after the last delimiter its line may hold padding, and an epilogue may follow.
bool may_follow_last_delimiter(std::string_view text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.empty() || text.starts_with(line_end);
}

/// The text of a field: any byte but controls (RFC 9110, 5.5).
bool is_field_text(std::string_view text) noexcept {
    for (const char c : text) {
        const auto value = static_cast<unsigned char>(c);
        if ((value < 0x20 && c != '\t') || value == 0x7F) return false;
    }
    return true;
}

Result<void> read_disposition(std::string_view text, Part& part) {
    const std::size_t semicolon = text.find(';');
    if (semicolon == std::string_view::npos ||
        !equals_ignoring_case(trimmed(text.substr(0, semicolon)), "form-data")) {
        return malformed("a disposition other than form-data");
    }
    text.remove_prefix(semicolon);
    bool has_name = false;
    while (!text.empty()) {
        if (text.front() != ';') return malformed("a broken disposition");
        text.remove_prefix(1);
        std::optional<Parameter> parameter = take_parameter(text);
        if (!parameter) return malformed("a broken disposition");
        if (parameter->name == "filename" || parameter->name == "filename*") {
            if (parameter->has_escape && parameter->value.find(';') != std::string::npos) {
                return malformed("an escaped file name with a semicolon");
            }
            part.is_file = true;
        } else if (parameter->has_escape) {
            // A parser without escapes would find another parameter inside this one.
            return malformed("an escaped parameter");
        } else if (is_extended(*parameter)) {
            return malformed("an encoded parameter");
        } else if (parameter->name == "name") {
            if (has_name) return malformed("a part with two names");
            // An encoded word (RFC 2047) begins so.
            if (parameter->value.find('%') != std::string::npos ||
                parameter->value.starts_with("=?")) {
                return malformed("an escaped part name");
            }
            has_name = true;
            part.name = std::move(parameter->value);
        }
    }
    if (!has_name || part.name.empty()) return malformed("a part without a name");
    return {};
}

/// Reads the lines of a part's head, each with its CRLF.
Result<void> read_head(std::string_view head, Part& part) {
    bool has_disposition = false;
    while (!head.empty()) {
        const std::size_t end = head.find(line_end);
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(end + line_end.size());
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) ||
            !is_field_text(line)) {
            return malformed("a broken header line");
        }
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (equals_ignoring_case(name, "content-disposition")) {
            if (has_disposition) return malformed("a part with two dispositions");
            has_disposition = true;
            Result<void> read = read_disposition(value, part);
            if (!read) return read;
        } else if (equals_ignoring_case(name, "content-type")) {
            if (part.content_type) return malformed("a part with two types");
            // Files have types of all sorts, which pass unread; but see is_extended().
            const std::size_t parameters = std::min(value.find(';'), value.size());
            if (value.find('*', parameters) != std::string_view::npos) {
                return malformed("an encoded parameter");
            }
            part.content_type = value;
        } else if (equals_ignoring_case(name, "content-transfer-encoding")) {
            // Obsolete in forms (RFC 7578, 4.7): some parsers decode it, others do not.
            if (!equals_ignoring_case(value, "7bit") && !equals_ignoring_case(value, "8bit") &&
                !equals_ignoring_case(value, "binary")) {
                return malformed("an encoded part");
            }
        }
    }
    if (!has_disposition) return malformed("a part without a disposition");
    return {};
}

}  // namespace

bool MultipartReader::take_text(std::string_view text) noexcept {
    if (!body_.substr(position_).starts_with(text)) return false;
    position_ += text.size();
    return true;
}

Result<std::string_view> MultipartReader::take_head() {
    const std::string_view window =
        body_.substr(position_, multipart_part_head_bytes_max + line_end.size());
    // Every line, the blank one included, ends with CRLF; a head has at least one line.
    const std::size_t blank = find_in(window, "\r\n\r\n");
    if (blank == std::string_view::npos)
        return malformed("a part's head has no end, or is too long");
    position_ += blank + 2 * line_end.size();
    return window.substr(0, blank + line_end.size());
}

Result<std::string_view> MultipartReader::take_value() {
    const std::string_view rest = body_.substr(position_);
    const std::string_view dashes = std::string_view(delimiter_).substr(line_end.size());
    std::size_t at = find_in(rest, dashes);
    while (at != std::string_view::npos) {
        const std::string_view before = rest.substr(0, at);
        if (before.ends_with(line_end)) {
            position_ += at + dashes.size();
            return before.substr(0, before.size() - line_end.size());
        }
        // Some parsers end lines at a bare CR or LF, and take the end of the head for a line's.
        if (before.empty() || before.back() == '\r' || before.back() == '\n') {
            return malformed("a delimiter behind half a line end");
        }
        if (++inner_count_ > multipart_inner_boundaries_max) {
            return malformed("the boundary within too many lines");
        }
        const std::size_t next = at + dashes.size();
        const std::size_t found = find_in(rest.substr(next), dashes);
        at = found == std::string_view::npos ? found : next + found;
    }
    return malformed(count_ == 0 ? "no delimiter at the start" : "no delimiter after a part");
}

/// And the first delimiter. What a preamble holds means nothing to anyone (RFC 2046, 5.1.1).
Result<void> MultipartReader::take_preamble() {
    const std::string_view dashes = std::string_view(delimiter_).substr(line_end.size());
    if (!take_text(dashes)) {
        Result<std::string_view> preamble = take_value();
        if (!preamble) return std::move(preamble).failure();
    }
    form_begin_ = position_ - dashes.size();
    return {};
}

Result<std::optional<Part>> MultipartReader::next() {
    if (count_ == 0) {
        Result<void> begun = take_preamble();
        if (!begun) return std::move(begun).failure();
    }
    // The reader is just after a delimiter.
    if (take_text("--")) {
        const std::string_view rest = body_.substr(position_);
        if (!may_follow_last_delimiter(rest)) return malformed("bytes after the last delimiter");
        // openai-node 4 sends one empty line more than it must.
        form_end_ = is_empty_lines(rest) ? body_.size() : position_;
        return std::optional<Part>();
    }
    if (!take_text(line_end)) return malformed("a delimiter with something behind it");
    if (++count_ > multipart_parts_max) return malformed("too many parts");

    Result<std::string_view> head = take_head();
    if (!head) return std::move(head).failure();
    Part part;
    Result<void> read = read_head(*head, part);
    if (!read) return std::move(read).failure();

    Result<std::string_view> value = take_value();
    if (!value) return std::move(value).failure();
    part.value = *value;
    return std::optional<Part>(std::move(part));
}

}  // namespace sluicegate::openai
