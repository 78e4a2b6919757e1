/// What does watching a stream cost? Bytes per second of SseScanner over reads of 4 KiB: chat
/// chunks, where nothing needs a look inside, and events of the responses endpoint, where every
/// one carries its number.

#include "sluicegate/openai/sse_scanner.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate::openai;

constexpr std::string_view chunk =
    "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":"
    "1700000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\""
    ":\"fp_0123456789\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":"
    "null,\"finish_reason\":null}]}\n\n";
constexpr std::string_view event =
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\","
    "\"sequence_number\":123,\"item_id\":\"msg_0123456789abcdef0123456789abcdef\",\"output_index\""
    ":0,\"content_index\":0,\"delta\":\" word\",\"logprobs\":[],\"obfuscation\":\"abcdefgh\"}\n\n";

void watch(benchmark::State& state) {
    std::string stream;
    const std::string_view piece = state.range(0) == 0 ? chunk : event;
    while (stream.size() < 1 << 20) stream += piece;
    for (auto _ : state) {
        SseScanner scanner(state.range(0) == 0 ? Endpoint::chat_completions : Endpoint::responses);
        for (std::size_t i = 0; i < stream.size(); i += 4096) {
            benchmark::DoNotOptimize(
                scanner.complete_prefix(std::string_view(stream).substr(i, 4096)));
        }
        benchmark::DoNotOptimize(scanner.error_seen());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
    state.SetLabel(state.range(0) == 0 ? "chat" : "responses");
}
BENCHMARK(watch)->Arg(0)->Arg(1);

}  // namespace
