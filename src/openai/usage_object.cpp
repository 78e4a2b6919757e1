#include "openai/usage_object.hpp"

#include "openai/text_scanner.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace sluicegate::openai {
namespace {

constexpr std::int64_t absent = -1;

/// A number of few digits, which no scale overflows. `absent` for other values.
std::int64_t short_count_from(std::string_view digits) noexcept {
    constexpr std::size_t digits_max = 8;
    if (digits.empty() || digits.size() > digits_max) return absent;
    std::int64_t number = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return absent;
        number = number * 10 + (c - '0');
    }
    return number;
}

/// A count, or `absent`. The value is multiplied by `scale`.
std::int64_t count_from(std::string_view value, std::int64_t scale = 1) noexcept {
    if (const std::int64_t number = short_count_from(value); number != absent) {
        return std::min(number * scale, usage_max);
    }
    const std::string_view inside = string_text(value);
    const std::string_view digits = inside.empty() ? value : inside;
    double number = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || stop != digits.data() + digits.size()) return absent;
    if (digits.front() < '0' || digits.front() > '9') return absent;
    // A value outside the range of a double is far too large or far too small.
    if (error == std::errc::result_out_of_range) {
        return digits.find('-') == std::string_view::npos ? usage_max : 0;
    }
    if (error != std::errc()) return absent;
    const double scaled = std::ceil(number * static_cast<double>(scale));
    if (scaled >= static_cast<double>(usage_max)) return usage_max;
    return static_cast<std::int64_t>(scaled);
}

/// The counts under the names of the different servers, before they are combined.
struct Counts {
    std::int64_t prompt = absent;
    std::int64_t input = absent;
    std::int64_t output = absent;
    std::int64_t total = absent;
    std::int64_t seconds_ms = absent;
    std::int64_t cached = absent;          // in a details object; part of the input
    std::int64_t cache_write = absent;     // in a details object; part of the input
    std::int64_t cache_read = absent;      // Anthropic's, beside the input
    std::int64_t cache_creation = absent;  // Anthropic's, beside the input
    std::int64_t reasoning = absent;
    bool has_input_details = false;
};

void raise(std::int64_t& to, std::int64_t value) noexcept {
    to = std::max(to, value);
}

void read_details(Counts& counts, std::string_view details) {
    for_each_member(details, [&](const TextMember& member) {
        if (member.key == "cached_tokens") raise(counts.cached, count_from(member.value));
        if (member.key == "cache_write_tokens") raise(counts.cache_write, count_from(member.value));
        if (member.key == "reasoning_tokens" || member.key == "thinking_tokens") {
            raise(counts.reasoning, count_from(member.value));
        }
    });
}

void read_member(Counts& counts, const TextMember& member) {
    const std::string_view key = member.key;
    // Most names have one of two endings, so these come first.
    if (key.ends_with("_tokens")) {
        std::int64_t* const count = key == "prompt_tokens"                 ? &counts.prompt
                                    : key == "input_tokens"                ? &counts.input
                                    : key == "completion_tokens"           ? &counts.output
                                    : key == "output_tokens"               ? &counts.output
                                    : key == "total_tokens"                ? &counts.total
                                    : key == "cache_read_input_tokens"     ? &counts.cache_read
                                    : key == "cache_creation_input_tokens" ? &counts.cache_creation
                                    : key == "prompt_cache_hit_tokens"     ? &counts.cached
                                                                           : nullptr;
        if (count != nullptr) raise(*count, count_from(member.value));
    } else if (key.ends_with("_details")) {
        const auto is_one_of = [&](auto... names) { return ((key == names) || ...); };
        if (!is_one_of("prompt_tokens_details", "input_tokens_details", "input_token_details",
                       "completion_tokens_details", "output_tokens_details")) {
            return;
        }
        if (key.starts_with("input")) counts.has_input_details = is_object(member.value);
        read_details(counts, member.value);
    } else if (key == "seconds") {
        raise(counts.seconds_ms, count_from(member.value, 1000));
    }
}

}  // namespace

std::optional<Usage> read_usage(std::string_view object) {
    Counts counts;
    for_each_member(object, [&](const TextMember& member) { read_member(counts, member); });
    const std::int64_t known =
        std::max({counts.prompt, counts.input, counts.output, counts.total, counts.seconds_ms});
    if (known == absent) return std::nullopt;

    const auto count = [](std::int64_t value) { return std::max<std::int64_t>(value, 0); };
    const auto bounded = [](std::int64_t value) { return std::min(value, usage_max); };
    // Only Anthropic counts cached input in addition to `input_tokens`. Gateways that use its names
    // in OpenAI's shape include it.
    const bool is_beside = counts.prompt == absent && !counts.has_input_details;
    Usage out;
    out.input = count(std::max(counts.prompt, counts.input));
    if (is_beside) {
        out.input = bounded(out.input + count(counts.cache_read) + count(counts.cache_creation));
    }
    out.output = count(counts.output);
    const bool has_input = counts.prompt != absent || counts.input != absent;
    if (!has_input && counts.total > out.output) {
        out.input = counts.total - out.output;
        out.is_input_derived = counts.output == absent;
    } else if (has_input && counts.output == absent && counts.total > out.input) {
        out.output = counts.total - out.input;
    }
    out.total = bounded(std::max(count(counts.total), out.input + out.output));
    out.cached_input = std::min(count(std::max(counts.cached, counts.cache_read)), out.input);
    out.cache_write =
        std::min(count(std::max(counts.cache_write, counts.cache_creation)), out.input);
    out.reasoning = std::min(count(counts.reasoning), out.output);
    out.audio_ms = count(counts.seconds_ms);
    return out;
}

std::string_view reason_word(std::string_view text) noexcept {
    constexpr std::size_t word_bytes_max = 32;
    const auto is_word_char = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const bool is_word =
        text.size() <= word_bytes_max && std::all_of(text.begin(), text.end(), is_word_char);
    return is_word ? text : std::string_view();
}

std::string_view response_reason(std::string_view status,
                                 std::string_view incomplete_details) noexcept {
    if (status == "in_progress" || status == "queued") return {};
    std::string_view reason;
    for_each_member(incomplete_details, [&](const TextMember& member) {
        if (member.key == "reason") reason = string_text(member.value);
    });
    return reason_word(status == "incomplete" && !reason.empty() ? reason : status);
}

}  // namespace sluicegate::openai
