/// A form with any body: the model's range holds the model, and replacing it yields a form that
/// reads the same but for the model.

#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/openai/splice.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluicegate::openai;
    // The first line is the boundary parameter, the rest the body.
    const std::string input(data, data + size);
    const std::size_t line = input.find('\n');
    if (line == std::string::npos) return 0;
    const std::string type = "multipart/form-data; boundary=" + input.substr(0, line);
    const std::string body = input.substr(line + 1);
    const auto found = inspect_multipart(Endpoint::audio_transcriptions, type, body);
    if (!found) return 0;
    if (body.substr(found->model_value.offset, found->model_value.size) != found->model) {
        std::abort();
    }
    const Rewritten rewritten = rewrite(*found, body, "another model");
    std::string next;
    for (const std::string_view piece : rewritten.pieces()) next += piece;
    const auto again = inspect_multipart(Endpoint::audio_transcriptions, type, next);
    if (!again || again->model != "another model") std::abort();
    if (again->is_streaming != found->is_streaming || again->choices != found->choices) {
        std::abort();
    }
    return 0;
}
