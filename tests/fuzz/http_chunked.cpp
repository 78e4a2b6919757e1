/// A chunked body, the first byte of the input choosing the size of the pieces it arrives in: the
/// pieces must decode to what the whole decodes to.

#include "sluicegate/http/chunked_decoder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using sluicegate::ErrorKind;
using sluicegate::http::ChunkedDecoder;

struct Outcome {
    bool failed = false;
    bool done = false;
    std::string payload;
    std::size_t consumed = 0;

    bool operator==(const Outcome&) const = default;
};

Outcome decode(std::string_view bytes, std::size_t piece_size) {
    ChunkedDecoder decoder(ErrorKind::bad_request);
    Outcome outcome;
    while (outcome.consumed < bytes.size() && !decoder.done()) {
        const std::string piece(bytes.substr(outcome.consumed, piece_size));
        auto step = decoder.decode(piece);
        if (!step) {
            outcome.failed = true;
            outcome.consumed = 0;
            return outcome;
        }
        const std::string_view payload = step->payload;
        if (step->consumed == 0 || step->consumed > piece.size()) std::abort();
        if (!payload.empty() && payload.end() != std::string_view(piece).begin() + step->consumed) {
            std::abort();
        }
        outcome.payload += payload;
        outcome.consumed += step->consumed;
    }
    outcome.done = decoder.done();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = decode(bytes, std::max<std::size_t>(1, bytes.size()));
    if (decode(bytes, 1) != whole) std::abort();
    if (decode(bytes, 1 + data[0]) != whole) std::abort();
    return 0;
}
