/// Whatever an upstream answers, its usage is within bounds, and the events made of it are whole,
/// end as their endpoint does and say the same.

#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/sse_scanner.hpp"
#include "sluicegate/openai/stream_from_answer.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate::openai;
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    for (const Endpoint endpoint :
         {Endpoint::chat_completions, Endpoint::completions, Endpoint::responses}) {
        const AnswerFacts facts = facts_of_answer(endpoint, body);
        if (facts.output_bytes < 0 || facts.output_bytes > static_cast<std::int64_t>(size)) {
            std::abort();
        }
        if (facts.usage) {
            const Usage& usage = *facts.usage;
            for (const std::int64_t count :
                 {usage.input, usage.output, usage.total, usage.cached_input, usage.cache_write,
                  usage.reasoning, usage.audio_ms}) {
                if (count < 0 || count > usage_max) std::abort();
            }
        }
        const auto stream = stream_of_answer(endpoint, body, true);
        if (!stream) continue;
        SseScanner scanner(endpoint);
        if (scanner.complete_prefix(*stream) != stream->size()) std::abort();
        if (!scanner.finished() || !scanner.is_between_events()) std::abort();
    }
    return 0;
}
