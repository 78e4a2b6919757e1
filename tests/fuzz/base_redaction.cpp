/// Text that holds secrets in any form and division: what comes out holds none, and text without
/// any stays as it is.
///
/// Input  a byte that chooses the pieces, then text in which the bytes 1 to 6 stand for a secret,
///        its halves, and three of its encoded forms.

#include "sluicegate/base/redaction.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate;
using fuzz::require;

constexpr std::string_view secret = "sk-Provider/0123+45";
constexpr std::string_view other_secret = "sk-Provider/0123";
constexpr std::array<std::string_view, 6> forms{
    secret,
    secret.substr(0, 9),
    secret.substr(9),
    "sk%2DProvider%2f0123%2B45",
    "c2stUHJvdmlkZXIvMDEyMys0NQ",
    "736b2d50726f76696465722f303132332b3435",
};

const Redaction& redaction() {
    static const Redaction made = [] {
        Redaction built;
        built.add(secret);
        built.add(other_secret);
        built.finish();
        return built;
    }();
    return made;
}

/// As a stream does it, which holds back no more than a part of its buffer: a run of base64 digits
/// around a secret may have any length.
constexpr std::size_t held_bytes_max = 4096;

std::string cleaned_in_pieces(std::string_view text, std::size_t piece_bytes) {
    std::string out;
    std::string held;
    while (!text.empty()) {
        const std::string_view piece = text.substr(0, piece_bytes);
        text.remove_prefix(piece.size());
        held += piece;
        const std::size_t held_max = text.empty() ? 0 : held_bytes_max;
        const std::size_t certain_min = held.size() - std::min(held.size(), held_max);
        const std::size_t done = redaction().clean_part(held, certain_min, out);
        require(done >= certain_min && done <= held.size(), "a piece is done as far as was asked");
        held.erase(0, done);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Choices choices(data, size);
    const std::size_t piece_bytes = std::size_t{1} + choices.byte();
    std::string text;
    for (const char c : choices.rest()) {
        const auto form = static_cast<std::size_t>(static_cast<unsigned char>(c)) - 1;
        if (form < forms.size())
            text += forms[form];
        else
            text += c;
    }
    const fuzz::GrowthCheck growth(
        text.size(), {.base_bytes = 400'000, .held_per_byte = 60, .taken_per_byte = 30'000});
    const std::string cleaned = redaction().cleaned(text);
    require(cleaned.find(other_secret) == std::string::npos, "no secret is left");
    require(!redaction().finds_any_in(cleaned), "what is clean is found clean");
    const std::string in_pieces = cleaned_in_pieces(text, piece_bytes);
    require(!redaction().finds_any_in(in_pieces), "no secret is left between two pieces");
    if (redaction().finds_any_in(text)) return 0;
    require(cleaned == text && in_pieces == text, "other text stays as it is");
    return 0;
}
