/// The pieces of a stream lose no byte and hold no more than the buffer: in any division, what
/// goes out is what came in without its cuts. The first two bytes choose the division and the
/// buffer.

#include "sluicegate/openai/event_pieces.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate::openai;

/// True when `part` is what remains of `whole` after some bytes were left out.
bool is_part_of(std::string_view part, std::string_view whole) {
    for (const char c : whole) {
        if (!part.empty() && part.front() == c) part.remove_prefix(1);
    }
    return part.empty();
}

void erase_empty_choices(std::string& text) {
    const std::string choice = R"([{"index":0,"delta":{},"finish_reason":null}])";
    for (auto at = text.find(choice); at != std::string::npos; at = text.find(choice)) {
        text.erase(at, choice.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t step = 1 + data[0] % 64;
    const std::size_t buffer = 16 + data[1] % 128;
    const bool is_cut = (data[0] & 0x80) != 0;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
    const sluicegate::Redaction none;
    EventPieces pieces(
        SseScanner(Endpoint::chat_completions, {.usage_event = is_cut, .usage_members = is_cut}),
        none, {.buffer_bytes = buffer});
    std::string out;
    std::string held;
    std::size_t fed = 0;
    std::size_t consumed = 0;
    bool is_anything_cut = false;
    bool is_prelude = true;
    while (fed < stream.size() && !pieces.is_last()) {
        const std::string_view next = stream.substr(fed, std::min(step, buffer - held.size()));
        if (next.empty()) std::abort();  // a full buffer that makes no piece would stall
        fed += next.size();
        held += next;
        pieces.take(held, fed == stream.size());
        is_anything_cut = is_anything_cut || !pieces.scanner().cuts().empty();
        is_prelude = is_prelude && pieces.is_prelude() && out.size() < 4096;
        if (is_prelude) pieces.set_aside();
        out += pieces.ready();
        if (is_prelude && pieces.prelude() != out) std::abort();
        const std::size_t taken = pieces.consume();
        consumed += taken;
        held.erase(0, taken);
    }
    if (consumed + held.size() != fed) std::abort();
    std::string passed(stream.substr(0, consumed));
    // What the end of the stream lacked is added, and a choice that adds nothing stands for `[]`.
    const std::string done = "data: [DONE]\n\n";
    if (pieces.scanner().is_done_cut() && out.ends_with(done)) out.erase(out.size() - done.size());
    for (int i = 0; i < 2 && out != passed && out.ends_with('\n') && !passed.ends_with("\n\n");
         ++i) {
        out.pop_back();
    }
    erase_empty_choices(out);
    erase_empty_choices(passed);  // the upstream may have sent the same
    // What stands behind the last event is taken, and does not go out.
    const bool is_same = pieces.scanner().finished() ? passed.starts_with(out) : out == passed;
    if (is_anything_cut ? !is_part_of(out, passed) : !is_same) std::abort();
    return 0;
}
