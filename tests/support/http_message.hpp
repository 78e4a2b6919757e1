#pragma once
/// HTTP/1.1 messages for tests: a simple, strict reader of RFC 9112. It shares no code with the
/// gateway, so both must agree.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::support {

struct MessageHead {
    std::string start_line;
    std::vector<std::pair<std::string, std::string>> fields;  ///< in order, names as sent

    /// The first field of that name, in any case.
    [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
    /// "" when there is none.
    [[nodiscard]] std::string value(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return count(name) > 0; }
};

/// Removes a complete head (with its blank line) from the front of `buffer`. Nothing if it is
/// incomplete. Throws std::runtime_error if a line is no field.
std::optional<MessageHead> take_head(std::string& buffer);

/// Reads one body, by one of HTTP's four framings, in any pieces.
class BodyReader {
public:
    enum class Framing { none, content_length, chunked, until_close };

    BodyReader() = default;
    BodyReader(Framing framing, std::uint64_t size);
    static BodyReader for_request(const MessageHead& head);
    static BodyReader for_response(const MessageHead& head, int status,
                                   std::string_view request_method);

    /// Removes the bytes of the body from the front of `buffer`.
    void take(std::string& buffer);
    /// The peer sent FIN.
    void end_of_input();

    [[nodiscard]] Framing framing() const { return framing_; }
    [[nodiscard]] const std::string& body() const { return body_; }
    [[nodiscard]] bool is_done() const { return is_done_; }
    /// The body had bytes that no chunked body may have.
    [[nodiscard]] bool is_broken() const { return is_broken_; }
    [[nodiscard]] const std::vector<std::size_t>& chunk_sizes() const { return chunk_sizes_; }

private:
    void take_chunked(std::string& buffer);

    Framing framing_ = Framing::none;
    std::uint64_t left_ = 0;  ///< of the body, or of the current chunk with its CRLF
    std::string body_;
    std::vector<std::size_t> chunk_sizes_;
    bool is_done_ = true;
    bool is_broken_ = false;
    bool in_chunk_ = false;
    bool in_trailer_ = false;
};

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string to_lower(std::string_view text);

}  // namespace sluicegate::support
