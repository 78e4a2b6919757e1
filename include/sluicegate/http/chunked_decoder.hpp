#pragma once
/// Decoder of the chunked coding. It can stop and resume at any byte, and copies nothing.
///
/// Strict: CRLF only. Extensions and trailers must follow the grammar; they are bounded and
/// dropped. The caller bounds the total payload.
///
/// Units   bytes.
/// Errors  the ErrorKind given to the constructor; once failed, every further call fails.
/// Source  RFC 9112 section 7.1.

#include "sluicegate/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluicegate::http {

class ChunkedDecoder {
public:
    static constexpr std::size_t size_digits_max = 16;       ///< leading zeros included
    static constexpr std::size_t extension_bytes_max = 256;  ///< of one chunk, from its first ';'
    static constexpr std::size_t extensions_bytes_max = 8192;
    static constexpr std::size_t trailer_bytes_max = 8192;  ///< the section with its line ends
    static constexpr std::size_t trailers_max = 100;

    struct Step {
        std::size_t consumed = 0;
        std::string_view payload;  ///< into the input; may be empty
    };

    /// `kind`: bad_request for a request's body, upstream_bad_response for a response's.
    explicit ChunkedDecoder(ErrorKind kind) noexcept : kind_(kind) {}

    /// Decodes to the end of the next contiguous piece of payload, or to the end of the body, or
    /// all of `input` if it has no payload. Call again with the rest. It consumes nothing only if
    /// the input is empty or the body is done.
    [[nodiscard]] Result<Step> decode(std::string_view input);

    /// The whole body was decoded. Bytes after it belong to the next message.
    [[nodiscard]] bool done() const noexcept { return state_ == State::done; }

private:
    enum class State : std::uint8_t {
        size_start,
        size,
        extension_semicolon,   // white space was seen, only ';' may end it
        extension_name_start,  // after ';'
        extension_name,
        extension_name_end,  // white space after the name
        extension_value_start,
        extension_value,
        extension_quoted,
        extension_quoted_pair,
        extension_value_end,
        size_lf,
        payload,
        payload_cr,
        payload_lf,
        trailer_start,
        trailer_name,
        trailer_value,
        trailer_lf,
        end_lf,
        done,
        failed,
    };

    [[nodiscard]] const char* advance(char byte) noexcept;
    [[nodiscard]] const char* advance_size(char byte) noexcept;
    [[nodiscard]] const char* advance_extension(char byte) noexcept;
    [[nodiscard]] bool advance_extension_end(char byte) noexcept;
    [[nodiscard]] const char* advance_trailer(char byte) noexcept;

    std::uint64_t remaining_ = 0;  // of the chunk: first its size, then its payload
    std::uint32_t extension_bytes_ = 0;
    std::uint32_t extensions_bytes_ = 0;
    std::uint32_t trailer_bytes_ = 0;
    std::uint16_t trailers_ = 0;
    std::uint8_t size_digits_ = 0;
    State state_ = State::size_start;
    ErrorKind kind_;
};

}  // namespace sluicegate::http
