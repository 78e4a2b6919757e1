/// What does watching a stream cost? Bytes per second of SseScanner over reads of 4 KiB: chat
/// chunks that differ in their text (the usual case, compared), in their text and in OpenAI's noise
/// (the same), or everywhere (searched); and events of the responses endpoint, where every one
/// carries its number and is read.

#include "sluicegate/openai/sse_scanner.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate::openai;

std::string chunk_of(std::int64_t kind, std::size_t count) {
    const std::string word(1 + count % 9, 'w');
    const std::string noise = std::string(1 + count % 7, 'n');
    const std::string created = std::to_string(1'700'000'000 + (kind == 2 ? count : 0));
    return "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\","
           "\"created\":" +
           created +
           ",\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\","
           "\"system_fingerprint\":\"fp_0123456789\",\"choices\":[{\"index\":0,\"delta\":{"
           "\"content\":\" " +
           word + "\"},\"logprobs\":null,\"finish_reason\":null}]" +
           (kind == 1 ? ",\"obfuscation\":\"" + noise + "\"}\n\n" : "}\n\n");
}

std::string event_of(std::size_t count) {
    return "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\","
           "\"sequence_number\":" +
           std::to_string(count) +
           ",\"item_id\":\"msg_0123456789abcdef0123456789abcdef\",\"output_index\":0,"
           "\"content_index\":0,\"delta\":\" word\",\"logprobs\":[],"
           "\"obfuscation\":\"abcdefgh\"}\n\n";
}

const char* name_of_kind(std::int64_t kind) {
    constexpr const char* names[] = {"chat", "chat with noise", "chat, never alike", "responses"};
    return names[kind];
}

void watch(benchmark::State& state) {
    constexpr std::int64_t responses = 3;
    const std::int64_t kind = state.range(0);
    std::string stream;
    for (std::size_t count = 0; stream.size() < 1 << 20; ++count) {
        stream += kind == responses ? event_of(count) : chunk_of(kind, count);
    }
    const Endpoint endpoint = kind == responses ? Endpoint::responses : Endpoint::chat_completions;
    for (auto _ : state) {
        SseScanner scanner(endpoint, {.usage_event = true, .usage_members = true});
        for (std::size_t i = 0; i < stream.size(); i += 4096) {
            benchmark::DoNotOptimize(
                scanner.complete_prefix(std::string_view(stream).substr(i, 4096)));
        }
        if (scanner.output_deltas() == 0) std::abort();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
    state.SetLabel(name_of_kind(kind));
}
BENCHMARK(watch)->DenseRange(0, 3);

}  // namespace
