#include "openai/model_name.hpp"

#include "sluicegate/openai/inspect_request.hpp"

#include <simdjson.h>

#include <algorithm>

namespace sluicegate::openai {

bool is_model_name(std::string_view text) noexcept {
    const auto is_control = [](char c) {
        const auto value = static_cast<unsigned char>(c);
        return value < 0x20 || value == 0x7F;
    };
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    return !text.empty() && text.size() <= model_bytes_max &&
           std::none_of(text.begin(), text.end(), is_control) &&
           (std::all_of(text.begin(), text.end(), is_ascii) ||
            simdjson::validate_utf8(text.data(), text.size()));
}

}  // namespace sluicegate::openai
