/// A stream in pieces says the same as the whole. The first byte chooses the pieces.

#include "sluicegate/openai/sse_scanner.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate::openai;
    if (size == 0) return 0;
    const std::size_t step = 1 + data[0] % 16;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    SseScanner whole(Endpoint::responses);
    const std::size_t complete = whole.complete_prefix(stream);
    SseScanner pieces(Endpoint::responses);
    std::size_t last = 0;
    for (std::size_t fed = 0; fed < stream.size(); fed += step) {
        const std::string_view piece = stream.substr(fed, step);
        const std::size_t prefix = pieces.complete_prefix(piece);
        if (prefix > piece.size()) std::abort();
        if (prefix > 0) last = fed + prefix;
    }
    const bool is_same = last == complete && pieces.done_seen() == whole.done_seen() &&
                         pieces.error_seen() == whole.error_seen() &&
                         pieces.last_sequence_number() == whole.last_sequence_number() &&
                         pieces.is_between_events() == whole.is_between_events() &&
                         pieces.finished() == whole.finished();
    if (!is_same) std::abort();
    return 0;
}
