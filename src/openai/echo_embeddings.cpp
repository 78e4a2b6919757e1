/// POST /embeddings: unit vectors that depend only on the input and the dimensions.

#include "openai/echo_parts.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace sluicegate::openai::echo {
namespace {

constexpr std::int64_t default_dimensions = 256;
constexpr std::int64_t dimensions_max = 4096;
constexpr std::size_t inputs_max = 2048;
constexpr std::int64_t numbers_max = 1 << 20;  // of all vectors together

/// FNV-1a.
std::uint64_t hash_of(std::string_view text) noexcept {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return hash;
}

/// splitmix64.
std::uint64_t next_random(std::uint64_t& state) noexcept {
    std::uint64_t mixed = state += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBU;
    return mixed ^ mixed >> 31;
}

std::vector<float> vector_for(std::string_view text, std::int64_t dimensions) {
    std::uint64_t state = hash_of(text);
    std::vector<double> raw(static_cast<std::size_t>(dimensions));
    double squares = 0;
    for (double& value : raw) {
        value = static_cast<double>(next_random(state) >> 11) / 4503599627370496.0 - 1.0;
        squares += value * value;
    }
    const double length = squares > 0 ? std::sqrt(squares) : 1.0;
    std::vector<float> out;
    out.reserve(raw.size());
    for (const double value : raw) out.push_back(static_cast<float>(value / length));
    return out;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group <<= 8;
            if (i + k < bytes.size()) group |= static_cast<unsigned char>(bytes[i + k]);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            const bool is_padding = i + k > bytes.size();
            out += is_padding ? '=' : digits[group >> (18 - 6 * k) & 0x3F];
        }
    }
    return out;
}

/// The numbers as the SDKs unpack them: 32-bit floats, little end first.
std::string packed(const std::vector<float>& numbers) {
    std::string bytes;
    bytes.reserve(numbers.size() * 4);
    for (const float number : numbers) {
        const auto bits = std::bit_cast<std::uint32_t>(number);
        for (unsigned shift = 0; shift < 32; shift += 8) {
            bytes += static_cast<char>(bits >> shift & 0xFF);
        }
    }
    return base64(bytes);
}

/// The inputs as texts; token ids become their JSON text. Nothing for other values.
std::optional<std::vector<std::string>> inputs_of(const RequestJson& input, std::int64_t& tokens) {
    std::vector<std::string> out;
    const auto is_tokens = [](const RequestJson& value) {
        if (!value.is_array() || value.empty()) return false;
        for (const RequestJson& token : value) {
            if (!token.is_number_integer()) return false;
        }
        return true;
    };
    const auto add = [&](const RequestJson& value) {
        if (value.is_string()) {
            out.push_back(value.get<std::string>());
            tokens += count_words(out.back());
            return !out.back().empty();
        }
        if (!is_tokens(value)) return false;
        out.push_back(value.dump());
        tokens += static_cast<std::int64_t>(value.size());
        return true;
    };
    if (!input.is_array() || is_tokens(input)) {
        if (!add(input)) return std::nullopt;
        return out;
    }
    if (input.empty() || input.size() > inputs_max) return std::nullopt;
    for (const RequestJson& value : input) {
        if (!add(value)) return std::nullopt;
    }
    return out;
}

}  // namespace

EchoAnswer answer_embeddings(const RequestJson& request, const Settings& settings) {
    std::int64_t tokens = 0;
    const auto inputs = inputs_of(member(request, "input"), tokens);
    if (!inputs) {
        return refusal("'input' must be text, token ids, or an array of at most 2048 of these.",
                       "input");
    }
    const RequestJson& format = member(request, "encoding_format");
    if (!format.is_null() && format != "float" && format != "base64") {
        return refusal("'encoding_format' must be float or base64.", "encoding_format");
    }
    const RequestJson& wanted = member(request, "dimensions");
    const std::int64_t dimensions =
        wanted.is_number_integer() ? wanted.get<std::int64_t>() : default_dimensions;
    const bool is_integer = wanted.is_null() || wanted.is_number_integer();
    if (!is_integer || dimensions < 1 || dimensions > dimensions_max ||
        dimensions * static_cast<std::int64_t>(inputs->size()) > numbers_max) {
        return refusal("'dimensions' must be an integer from 1 to 4096.", "dimensions");
    }
    Json data = Json::array();
    for (const std::string& input : *inputs) {
        const std::vector<float> numbers = vector_for(input, dimensions);
        Json entry = {{"object", "embedding"}, {"index", data.size()}};
        if (format == "base64") {
            entry["embedding"] = packed(numbers);
        } else {
            entry["embedding"] = numbers;
        }
        data.push_back(std::move(entry));
    }
    return json_answer({{"object", "list"},
                        {"data", std::move(data)},
                        {"model", settings.model},
                        {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}

}  // namespace sluicegate::openai::echo
