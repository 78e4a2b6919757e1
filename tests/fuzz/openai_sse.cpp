/// A stream in pieces says the same as the whole, and cuts the same bytes, of whole events only.
/// The scanner keeps no more memory than it promises.
/// The first byte chooses the pieces, the endpoint and what is cut.

#include "sluicegate/openai/sse_scanner.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate::openai;

struct Watched {
    SseScanner scanner;
    std::size_t complete = 0;
    std::string passed;
};

Watched watched(std::string_view stream, std::size_t step, Endpoint endpoint, StreamCuts cuts) {
    Watched out{.scanner = SseScanner(endpoint, cuts), .complete = 0, .passed = {}};
    for (std::size_t fed = 0; fed < stream.size(); fed += step) {
        const std::string_view piece = stream.substr(fed, step);
        const std::size_t prefix = out.scanner.complete_prefix(piece);
        if (prefix > piece.size()) std::abort();
        if (out.scanner.memory_bytes() > SseScanner::memory_bytes_max) std::abort();
        const std::size_t whole = prefix > 0 ? fed + prefix : out.complete;
        for (const Cut& cut : out.scanner.cuts()) {
            if (cut.offset < out.complete || cut.offset + cut.size > whole) std::abort();
            out.passed += stream.substr(out.complete, cut.offset - out.complete);
            out.complete = cut.offset + cut.size;
        }
        out.passed += stream.substr(out.complete, whole - out.complete);
        out.complete = whole;
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t step = 1 + data[0] % 16;
    const Endpoint endpoint = data[0] & 0x10 ? Endpoint::responses : Endpoint::chat_completions;
    const StreamCuts cuts{.usage_event = (data[0] & 0x20) != 0,
                          .usage_members = (data[0] & 0x40) != 0};
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Watched whole = watched(stream, stream.size(), endpoint, cuts);
    const Watched pieces = watched(stream, step, endpoint, cuts);
    const bool is_same =
        pieces.complete == whole.complete && pieces.passed == whole.passed &&
        pieces.scanner.done_seen() == whole.scanner.done_seen() &&
        pieces.scanner.error_seen() == whole.scanner.error_seen() &&
        pieces.scanner.legacy_error() == whole.scanner.legacy_error() &&
        pieces.scanner.last_sequence_number() == whole.scanner.last_sequence_number() &&
        pieces.scanner.is_between_events() == whole.scanner.is_between_events() &&
        pieces.scanner.finished() == whole.scanner.finished() &&
        pieces.scanner.events() == whole.scanner.events() &&
        pieces.scanner.usage() == whole.scanner.usage() &&
        pieces.scanner.output_deltas() == whole.scanner.output_deltas() &&
        pieces.scanner.output_bytes() == whole.scanner.output_bytes() &&
        pieces.scanner.finish_reason() == whole.scanner.finish_reason();
    if (!is_same) std::abort();
    if (whole.scanner.output_bytes() < whole.scanner.output_deltas()) std::abort();
    return 0;
}
