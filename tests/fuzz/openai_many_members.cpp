/// JSON of many equal parts through everything that reads JSON: its memory and its time grow with
/// the text and no faster.
///
/// Input  one byte that chooses how often the part is repeated, then three lines: what stands
///        before the parts, the part, what stands behind. A `#` in the part becomes its number.

#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/echo_answer.hpp"
#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/openai/sse_scanner.hpp"
#include "sluicegate/openai/stream_from_answer.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate;
using fuzz::Choices;
using openai::Endpoint;

constexpr std::size_t text_bytes_max = 128 * 1024;
constexpr fuzz::GrowthBound bound{
    .base_bytes = 4 << 20, .held_per_byte = 100, .taken_per_byte = 400};

std::string text_of(Choices& choices) {
    const std::size_t parts = std::size_t{1} << choices.below(16);
    std::string text(choices.line());
    const std::string_view part = choices.line();
    for (std::size_t i = 0; i < parts && text.size() < text_bytes_max; ++i) {
        for (const char c : part) {
            if (c == '#')
                text += std::to_string(i);
            else
                text += c;
        }
    }
    text += choices.rest();
    return text;
}

/// In microseconds of the processor: what else the machine does has no part in it.
std::int64_t processor_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

/// A sanitizer makes code some ten times slower; quadratic code passes this at once all the same.
void require_bounded(const char* what, std::size_t bytes, const std::function<void()>& act) {
    const auto time_max = static_cast<std::int64_t>(100'000 + 4 * bytes);
    std::int64_t best = time_max + 1;
    for (int i = 0; i < 3 && best > time_max; ++i) {
        const fuzz::GrowthCheck growth(bytes, bound);
        const std::int64_t start = processor_time();
        act();
        best = std::min(best, processor_time() - start);
    }
    if (best > time_max) std::fprintf(stderr, "%zu bytes took %ld us\n", bytes, long{best});
    fuzz::require(best <= time_max, what);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices(data, size);
    std::string text = text_of(choices);
    const std::size_t bytes = text.size();
    for (const Endpoint endpoint :
         {Endpoint::chat_completions, Endpoint::completions, Endpoint::responses}) {
        require_bounded("stream_of_answer is linear", bytes,
                        [&] { static_cast<void>(openai::stream_of_answer(endpoint, text, true)); });
        require_bounded("facts_of_answer is linear", bytes,
                        [&] { static_cast<void>(openai::facts_of_answer(endpoint, text)); });
        require_bounded("an event is read in linear time", bytes, [&] {
            openai::SseScanner scanner(endpoint, {.usage_event = true, .usage_members = true});
            static_cast<void>(scanner.complete_prefix("data: " + text + "\n\n"));
        });
    }
    for (const std::string_view path :
         {"/chat/completions", "/completions", "/responses", "/embeddings"}) {
        require_bounded("echo is linear", bytes, [&] {
            static_cast<void>(openai::echo_answer(path, text, 16, 1'700'000'000));
        });
    }
    require_bounded("an error is read in linear time", bytes, [&] {
        static_cast<void>(openai::normalise_error(400, "application/json", text));
        static_cast<void>(openai::error_in(text));
    });
    text.resize(bytes + openai::body_padding, '"');
    for (const Endpoint endpoint : {Endpoint::chat_completions, Endpoint::embeddings}) {
        require_bounded("a request is inspected in linear time", bytes, [&] {
            static_cast<void>(openai::inspect_json(endpoint, text.data(), bytes));
        });
    }
    return 0;
}
