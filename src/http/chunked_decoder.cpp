#include "sluicegate/http/chunked_decoder.hpp"

#include "http/octets.hpp"

#include <algorithm>
#include <cstdint>

namespace sluicegate::http {
namespace {

constexpr std::uint64_t chunk_size_max = (std::uint64_t{1} << 63) - 1;

unsigned hex_value(char digit) noexcept {
    if (is(digit, digit_octet)) return static_cast<unsigned>(digit - '0');
    return static_cast<unsigned>(lower(digit) - 'a') + 10;
}

}  // namespace

Result<ChunkedDecoder::Step> ChunkedDecoder::decode(std::string_view input) {
    std::size_t at = 0;
    while (at < input.size() && state_ != State::done) {
        if (state_ == State::payload) {
            const std::uint64_t size = std::min<std::uint64_t>(remaining_, input.size() - at);
            const std::string_view payload = input.substr(at, static_cast<std::size_t>(size));
            remaining_ -= size;
            if (remaining_ == 0) state_ = State::payload_cr;
            return Step{.consumed = at + payload.size(), .payload = payload};
        }
        if (const char* flaw = advance(input[at])) {
            state_ = State::failed;
            return fail(kind_, flaw);
        }
        ++at;
    }
    return Step{.consumed = at, .payload = {}};
}

const char* ChunkedDecoder::advance(char byte) noexcept {
    switch (state_) {
        case State::size_start:
        case State::size:
        case State::size_lf: return advance_size(byte);
        case State::payload_cr:
            if (byte != '\r') return "a chunk is longer than its size";
            state_ = State::payload_lf;
            return nullptr;
        case State::payload_lf:
            if (byte != '\n') return "a CR without LF after a chunk";
            state_ = State::size_start;
            return nullptr;
        case State::trailer_start:
        case State::trailer_name:
        case State::trailer_value:
        case State::trailer_lf:
        case State::end_lf: return advance_trailer(byte);
        case State::failed: return "the chunked body was refused before";
        case State::payload:
        case State::done: return nullptr;  // decode() never asks
        default: return advance_extension(byte);
    }
}

const char* ChunkedDecoder::advance_size(char byte) noexcept {
    if (state_ == State::size_lf) {
        if (byte != '\n') return "a CR without LF in a chunk header";
        state_ = remaining_ == 0 ? State::trailer_start : State::payload;
        size_digits_ = 0;
        extension_bytes_ = 0;
        return nullptr;
    }
    if (is(byte, hex_octet)) {
        if (size_digits_ == size_digits_max) return "a chunk size with too many digits";
        ++size_digits_;
        if (remaining_ > chunk_size_max / 16) return "a chunk size beyond 2^63-1";
        remaining_ = remaining_ * 16 + hex_value(byte);
        state_ = State::size;
        return nullptr;
    }
    if (state_ == State::size_start) return "a chunk without a size";
    if (byte == '\r') {
        state_ = State::size_lf;
        return nullptr;
    }
    if (byte != ';' && !is_white_space(byte)) return "a chunk size that is no hexadecimal number";
    return advance_extension(byte);
}

/// chunk-ext = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
const char* ChunkedDecoder::advance_extension(char byte) noexcept {
    static constexpr const char* malformed = "a malformed chunk extension";
    if (byte != '\r') {
        if (++extension_bytes_ > extension_bytes_max) return "a chunk extension is too long";
        if (++extensions_bytes_ > extensions_bytes_max) return "too many chunk extensions";
    }
    switch (state_) {
        case State::extension_quoted:
            if (byte == '"') {
                state_ = State::extension_value_end;
            } else if (byte == '\\') {
                state_ = State::extension_quoted_pair;
            } else if (!is(byte, value_octet)) {
                return malformed;
            }
            return nullptr;
        case State::extension_quoted_pair:
            state_ = State::extension_quoted;
            return is(byte, value_octet) ? nullptr : malformed;
        case State::extension_name_start:
        case State::extension_value_start:
            if (is_white_space(byte)) return nullptr;
            if (is(byte, token_octet)) {
                state_ = state_ == State::extension_name_start ? State::extension_name
                                                               : State::extension_value;
                return nullptr;
            }
            if (byte != '"' || state_ == State::extension_name_start) return malformed;
            state_ = State::extension_quoted;
            return nullptr;
        default: return advance_extension_end(byte) ? nullptr : malformed;
    }
}

/// After a size, a name or a value: the bytes that may continue or follow it.
bool ChunkedDecoder::advance_extension_end(char byte) noexcept {
    const bool in_name = state_ == State::extension_name;
    const bool in_token = in_name || state_ == State::extension_value;
    const bool after_name = in_name || state_ == State::extension_name_end;
    const bool after_space =
        state_ == State::extension_semicolon || state_ == State::extension_name_end;
    if (in_token && is(byte, token_octet)) return true;
    if (byte == ';') {
        state_ = State::extension_name_start;
    } else if (byte == '=' && after_name) {
        state_ = State::extension_value_start;
    } else if (is_white_space(byte)) {
        state_ = after_name ? State::extension_name_end : State::extension_semicolon;
    } else if (byte == '\r' && !after_space) {
        state_ = State::size_lf;
    } else {
        return false;
    }
    return true;
}

const char* ChunkedDecoder::advance_trailer(char byte) noexcept {
    if (++trailer_bytes_ > trailer_bytes_max) return "the trailers are too large";
    switch (state_) {
        case State::trailer_start:
            if (byte == '\r') {
                state_ = State::end_lf;
                return nullptr;
            }
            if (!is(byte, token_octet)) return "a trailer without a name";
            if (++trailers_ > trailers_max) return "too many trailers";
            state_ = State::trailer_name;
            return nullptr;
        case State::trailer_name:
            if (byte == ':') {
                state_ = State::trailer_value;
            } else if (!is(byte, token_octet)) {
                return "a trailer name that is no token";
            }
            return nullptr;
        case State::trailer_value:
            if (byte == '\r') {
                state_ = State::trailer_lf;
            } else if (!is(byte, value_octet)) {
                return "a control byte in a trailer";
            }
            return nullptr;
        default:
            if (byte != '\n') return "a CR without LF in the trailers";
            state_ = state_ == State::end_lf ? State::done : State::trailer_start;
            return nullptr;
    }
}

}  // namespace sluicegate::http
