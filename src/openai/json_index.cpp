#include "openai/json_index.hpp"

#include "sluicegate/openai/inspect_request.hpp"

#include <simdjson.h>

#include <algorithm>
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

}  // namespace

Result<std::span<const std::uint32_t>> index_tokens(std::string_view text) {
    thread_local std::unique_ptr<Stage> stage;
    if (text.empty()) return fail(ErrorKind::invalid_json, "empty", "0");
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
