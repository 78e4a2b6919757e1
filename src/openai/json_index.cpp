#include "openai/json_index.hpp"

#include "sluicegate/openai/inspect_request.hpp"

#include "openai/byte_search.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <string>

namespace sluicegate::openai {
namespace {

using Stage = simdjson::internal::dom_parser_implementation;

/// Makes the thread's stage large enough for `size` bytes.
simdjson::error_code make_room(std::unique_ptr<Stage>& stage, std::size_t size) {
    constexpr std::size_t smallest = 4096;
    // JsonCursor checks the structure, so the stage's own depth is not used.
    constexpr std::size_t stage_depth = 1;
    // After a huge text, the next text of ordinary size frees the memory.
    if (stage && stage->capacity() > retained_body_bytes && size <= retained_body_bytes) {
        stage.reset();
    }
    if (stage && stage->capacity() >= size) return simdjson::SUCCESS;
    std::size_t capacity = std::max(size, smallest);
    if (size <= retained_body_bytes) capacity = std::bit_ceil(capacity);
    stage.reset();
    return simdjson::get_active_implementation()->create_dom_parser_implementation(
        capacity, stage_depth, stage);
}

constexpr std::string_view marks = "{}[]:,";

enum class ByteKind : std::uint8_t { other, space, mark };

constexpr std::array<ByteKind, 256> byte_kinds = [] {
    std::array<ByteKind, 256> kinds{};
    for (const char c : std::string_view(" \t\r\n")) {
        kinds[static_cast<unsigned char>(c)] = ByteKind::space;
    }
    for (const char c : marks) kinds[static_cast<unsigned char>(c)] = ByteKind::mark;
    return kinds;
}();

/// The end of the string whose opening quote stands before `at`: after its last quote.
std::size_t string_end(std::string_view text, std::size_t at) noexcept {
    while (true) {
        at += find_byte(text.substr(at), '"');
        if (at == text.size()) return at;
        std::size_t backslashes = 0;
        while (text[at - 1 - backslashes] == '\\') ++backslashes;
        ++at;
        if (backslashes % 2 == 0) return at;
    }
}

/// The stage would find more tokens than are allowed. It writes 4 bytes for each before it can be
/// asked, so a text that is large enough for that is counted first.
bool has_too_many_tokens(std::string_view text) noexcept {
    if (text.size() <= json_tokens_max) return false;
    std::size_t tokens = 0;
    bool is_in_scalar = false;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at++];
        const ByteKind kind = byte_kinds[static_cast<unsigned char>(c)];
        if (c == '"') {
            at = string_end(text, at);
            ++tokens;
            is_in_scalar = false;
        } else if (kind == ByteKind::other) {
            if (!is_in_scalar) ++tokens;
            is_in_scalar = true;
        } else {
            if (kind == ByteKind::mark) ++tokens;
            is_in_scalar = false;
        }
        if (tokens > json_tokens_max) return true;
    }
    return false;
}

}  // namespace

Result<std::span<const std::uint32_t>> index_tokens(std::string_view text) {
    thread_local std::unique_ptr<Stage> stage;
    if (text.empty()) return fail(ErrorKind::invalid_json, "empty", "0");
    if (has_too_many_tokens(text)) {
        return fail(ErrorKind::invalid_body, "more JSON tokens than are read", "too many values");
    }
    simdjson::error_code error = make_room(stage, text.size());
    if (error != simdjson::SUCCESS) {
        return fail(ErrorKind::internal, "no memory for a token index");
    }
    error = stage->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                          simdjson::stage1_mode::regular);
    if (error != simdjson::SUCCESS) {
        return fail(ErrorKind::invalid_json, simdjson::error_message(error));
    }
    return std::span<const std::uint32_t>(stage->structural_indexes.get(),
                                          stage->n_structural_indexes);
}

}  // namespace sluicegate::openai
