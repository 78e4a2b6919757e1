/// Coded content that arrives in pieces decodes to what the whole decodes to, within the bounds of
/// its growth, and with no more memory than the budget has. The first byte chooses the coding, the
/// second the pieces.

#include "sluicegate/http/content_decoder.hpp"

#include "fuzz/growth.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate;
using http::ContentDecoder;

constexpr std::size_t kept_bytes_max = 64 * 1024;

struct Outcome {
    bool has_failed = false;
    bool is_whole = false;
    std::size_t bytes = 0;
    std::string kept;  ///< the beginning of the content

    bool operator==(const Outcome&) const = default;
};

Outcome decode(http::ContentCoding coding, std::string_view coded, std::size_t in_bytes,
               std::size_t out_bytes) {
    MemoryBudget budget(std::size_t{32} << 20);
    Outcome outcome;
    {
        ContentDecoder decoder(coding,
                               {.malformed = ErrorKind::invalid_body,
                                .cut = ErrorKind::invalid_body,
                                .expansion = ErrorKind::invalid_body},
                               {.budget = budget, .use = MemoryUse::request, .share = nullptr});
        std::array<char, 4096> room;
        const std::span<char> output = std::span(room).first(std::min(out_bytes, room.size()));
        std::size_t consumed = 0;
        while (consumed < coded.size() && !outcome.has_failed) {
            const std::string piece(coded.substr(consumed, in_bytes));
            std::string_view input = piece;
            for (std::size_t made = output.size(); made == output.size() || !input.empty();) {
                auto step = decoder.decode(input, output);
                if (!step) {
                    outcome.has_failed = true;
                    break;
                }
                if (step->consumed == 0 && step->produced == 0 && !input.empty()) std::abort();
                made = step->produced;
                input.remove_prefix(step->consumed);
                outcome.bytes += made;
                outcome.kept.append(output.data(),
                                    std::min(made, kept_bytes_max - outcome.kept.size()));
                if (outcome.bytes >
                    ContentDecoder::usual_growth.free_bytes + output.size() +
                        ContentDecoder::usual_growth.ratio_max * (coded.size() + 1)) {
                    std::abort();
                }
            }
            consumed += piece.size();
        }
        outcome.is_whole = decoder.is_whole();
    }
    if (budget.used() != 0) std::abort();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    constexpr std::array codings{http::ContentCoding::gzip, http::ContentCoding::deflate,
                                 http::ContentCoding::br, http::ContentCoding::zstd};
    const http::ContentCoding coding = codings[data[0] % codings.size()];
    const std::string_view coded(reinterpret_cast<const char*>(data) + 2, size - 2);
    const fuzz::GrowthCheck check(
        size, {.base_bytes = 512 * 1024, .held_per_byte = 8, .taken_per_byte = 64});
    const Outcome whole = decode(coding, coded, std::max<std::size_t>(1, coded.size()), 4096);
    const Outcome pieces = decode(coding, coded, 1 + data[1] % 16, 1 + data[1] * 16U);
    // Where they fail, the pieces may have given out more or less before.
    if (pieces.has_failed != whole.has_failed) std::abort();
    if (!whole.has_failed && pieces != whole) std::abort();
    return 0;
}
