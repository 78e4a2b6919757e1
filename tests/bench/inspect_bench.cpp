/// What does it cost to check a request body completely and find the model? Nanoseconds per body
/// and bytes per second, for bodies of text, of code, of numbers and of one image; beside
/// simdjson's own ways (On-Demand, which skips unchecked, and DOM, which checks) and nlohmann.

#include "sluicegate/openai/inspect_request.hpp"

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>
#include <simdjson.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate::openai;

constexpr std::string_view sentence =
    "The quick brown fox jumps over the lazy dog, and nobody knows why it still does so. ";
constexpr std::string_view code = "if (x == \\\"y\\\") {\\n\\treturn \\\"a\\\\\\\\b\\\";\\n}\\n";

/// A chat of messages of about 1 KB each, made of `piece`, with the model at its end.
std::string chat_of(std::size_t bytes, std::string_view piece) {
    std::string body = R"({"messages":[)";
    while (body.size() < bytes) {
        if (body.back() == '}') body += ',';
        body += R"({"role":"user","content":")";
        for (std::size_t size = 0; size < 900; size += piece.size()) body += piece;
        body += "\"}";
    }
    return body + R"(],"temperature":0.7,"stream":true,"model":"gpt-4o"})";
}

std::string body_of(std::int64_t kind) {
    switch (kind) {
        case 0: return chat_of(1'000, sentence);
        case 1: return chat_of(100'000, sentence);
        case 2: return chat_of(100'000, code);
        case 3: {
            std::string body = R"({"input":[)";
            while (body.size() < 100'000) body += "12345,-0.25,[7],";
            return body + R"(0],"model":"m"})";
        }
        default: break;
    }
    return R"({"image":")" + std::string(5'000'000, 'A') + R"(","model":"gpt-4o"})";
}

const char* name_of_kind(std::int64_t kind) {
    constexpr const char* names[] = {"text 1 KB", "text 100 KB", "code 100 KB", "numbers 100 KB",
                                     "image 5 MB"};
    return names[kind];
}

/// Runs `work` over one body that is followed by the padding every parser wants.
template <class Work>
void measure(benchmark::State& state, Work work) {
    std::string body = body_of(state.range(0));
    const std::size_t size = body.size();
    body.resize(size + simdjson::SIMDJSON_PADDING + body_padding);
    for (auto _ : state) {
        const bool is_good = work(body.data(), size);
        if (!is_good) std::abort();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
    state.SetLabel(name_of_kind(state.range(0)));
}

void inspect_it(benchmark::State& state) {
    measure(state, [](const char* data, std::size_t size) {
        const auto found = inspect_json(Endpoint::chat_completions, data, size);
        return found && !found->model.empty();
    });
}
BENCHMARK(inspect_it)->DenseRange(0, 4);

void on_demand_unchecked(benchmark::State& state) {
    simdjson::ondemand::parser parser;
    measure(state, [&](const char* data, std::size_t size) {
        simdjson::ondemand::document document;
        const std::size_t capacity = size + simdjson::SIMDJSON_PADDING;
        if (parser.iterate(data, size, capacity).get(document) != simdjson::SUCCESS) return false;
        std::string_view model;
        return document["model"].get(model) == simdjson::SUCCESS;
    });
}
BENCHMARK(on_demand_unchecked)->DenseRange(0, 4);

void dom_checked(benchmark::State& state) {
    simdjson::dom::parser parser;
    measure(state, [&](const char* data, std::size_t size) {
        simdjson::dom::element root;
        if (parser.parse(data, size, false).get(root) != simdjson::SUCCESS) return false;
        std::string_view model;
        return root["model"].get(model) == simdjson::SUCCESS;
    });
}
BENCHMARK(dom_checked)->DenseRange(0, 4);

void nlohmann_parsed(benchmark::State& state) {
    measure(state, [](const char* data, std::size_t size) {
        return nlohmann::json::parse(data, data + size).contains("model");
    });
}
BENCHMARK(nlohmann_parsed)->DenseRange(0, 4);

}  // namespace
