// Twice the input takes twice the work. What is quadratic shows in small inputs already, if each
// size is compared with the next; a machine that is busy does not matter, because only the time of
// the processor counts, and one ratio alone proves nothing.

#include "sluicegate/admin/query.hpp"
#include "sluicegate/base/redaction.hpp"
#include "sluicegate/config/load.hpp"
#include "sluicegate/http/chunked_decoder.hpp"
#include "sluicegate/http/content_decoder.hpp"
#include "sluicegate/http/request_head.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/openai/affinity.hpp"
#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/echo_answer.hpp"
#include "sluicegate/openai/event_pieces.hpp"
#include "sluicegate/openai/inspect_request.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/openai/splice.hpp"
#include "sluicegate/openai/stream_from_answer.hpp"
#include "sluicegate/provider/reset_text.hpp"
#include "sluicegate/provider/target.hpp"

#include "fuzz/growth.hpp"
#include "support/content_encoder.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate {
namespace {

constexpr int doublings = 3;
constexpr int runs = 3;
/// A doubling of linear work takes twice the time; of quadratic work, four times.
constexpr double ratio_max = 3.0;

struct Row {
    const char* name;
    std::function<std::string(std::size_t bytes)> input;
    std::function<void(const std::string& input)> act;
    std::size_t bytes = 32 * 1024;  ///< of the smallest input
};

struct Work {
    double processor_ns = 0;  ///< the least of several runs
    double heap_bytes = 0;    ///< taken altogether in the last run
};

double processor_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

Work work_of(const Row& row, const std::string& input) {
    Work work;
    for (int run = 0; run < runs; ++run) {
        const std::size_t taken = fuzz::heap_counts().taken_bytes;
        const double start = processor_ns();
        row.act(input);
        const double time = processor_ns() - start;
        work.heap_bytes = static_cast<double>(fuzz::heap_counts().taken_bytes - taken);
        work.processor_ns = run == 0 ? time : std::min(work.processor_ns, time);
    }
    return work;
}

/// "" for work in proportion to the input, else by how much each doubling raised it.
std::string growth_of(const Row& row) {
    std::vector<Work> works;
    for (int i = 0; i <= doublings; ++i) works.push_back(work_of(row, row.input(row.bytes << i)));
    bool is_time_quadratic = true;
    bool is_heap_quadratic = true;
    std::string ratios;
    for (std::size_t i = 1; i < works.size(); ++i) {
        const double time = works[i].processor_ns / works[i - 1].processor_ns;
        // Some kilobytes are no growth.
        const double heap = works[i].heap_bytes / (works[i - 1].heap_bytes + 10'000);
        is_time_quadratic = is_time_quadratic && time > ratio_max;
        is_heap_quadratic = is_heap_quadratic && heap > ratio_max;
        ratios += " time " + std::to_string(time) + " heap " + std::to_string(heap);
    }
    return is_time_quadratic || is_heap_quadratic ? ratios : "";
}

void expect_linear(const Row& row) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(growth_of(row), "");
}

/// Other work on the machine can hide a growth once, hardly three times.
bool is_seen(const Row& row) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (!growth_of(row).empty()) return true;
    }
    return false;
}

/// `before`, the part as often as it fits, `behind`. A `#` in the part is its number.
std::function<std::string(std::size_t)> repeated(std::string before, std::string part,
                                                 std::string behind) {
    return [=](std::size_t bytes) {
        std::string text = before;
        text.reserve(bytes + part.size() + behind.size());
        for (std::size_t i = 0; text.size() < bytes; ++i) {
            const std::size_t hash = part.find('#');
            text.append(part, 0, hash);
            if (hash != std::string::npos) text.append(std::to_string(i)).append(part, hash + 1);
        }
        return text + behind;
    };
}

void inspect(openai::Endpoint endpoint, const std::string& body) {
    std::string padded = body;
    padded.append(openai::body_padding, '"');
    const auto found = openai::inspect_json(endpoint, padded.data(), body.size());
    if (!found) return;
    static_cast<void>(openai::rewrite(*found, body, "another").size());
    static_cast<void>(openai::affinity_hash(*found, body, 1 << 20));
}

TEST(Doubling, SeesWorkThatIsNotInProportion) {
    const Row looks_again{"all before each comma is looked at", repeated("", "key,", ""),
                          [](const std::string& text) {
                              std::ptrdiff_t seen = 0;
                              for (std::size_t at = 0; at < text.size(); ++at) {
                                  if (text[at] != ',') continue;
                                  seen +=
                                      std::ranges::count(std::string_view(text).substr(0, at), 'k');
                              }
                              EXPECT_NE(seen, 0);
                          },
                          8192};
    EXPECT_TRUE(is_seen(looks_again));
    const Row copies_again{"the rest is copied for each line", repeated("", "line\n", ""),
                           [](const std::string& text) {
                               for (std::string rest = text; !rest.empty();) {
                                   rest = std::string(rest, rest.find('\n') + 1);
                               }
                           },
                           4096};
    EXPECT_TRUE(is_seen(copies_again));
}

TEST(Doubling, RequestBodiesTakeWorkInProportion) {
    using openai::Endpoint;
    const auto chat = [](const std::string& body) { inspect(Endpoint::chat_completions, body); };
    const auto completion = [](const std::string& body) { inspect(Endpoint::completions, body); };
    const auto form = [](const std::string& body) {
        static_cast<void>(openai::inspect_multipart(Endpoint::audio_transcriptions,
                                                    "multipart/form-data; boundary=----b", body));
    };
    const std::string part = "------b\r\ncontent-disposition: form-data; name=\"";
    const std::vector<Row> rows{
        {"messages",
         repeated(R"({"model":"m","messages":[)", R"({"role":"user","content":"#"},)",
                  R"({"role":"user"}]})"),
         chat},
        {"members", repeated(R"({"model":"m",)", R"("k#":1,)", R"("k":1})"), chat},
        {"the same member", repeated(R"({"model":"m",)", R"("user":1,)", R"("user":1})"), chat},
        {"escaped members", repeated(R"({"model":"m",)", R"("\u006b#":1,)", R"("k":1})"), chat},
        {"nested members", repeated(R"({"model":"m","metadata":{)", R"("k#":1,)", R"("k":1}})"),
         chat},
        {"members of stream_options",
         repeated(R"({"model":"m","stream":true,"stream_options":{)", R"("k#":1,)", R"("k":1}})"),
         chat},
        {"numbers", repeated(R"({"model":"m","prompt":[)", "1e-400,", "1]}"), completion},
        {"brackets", repeated(R"({"model":"m","prompt":)", "[", ""), completion},
        {"escapes", repeated(R"({"model":"m","prompt":")", R"(\n\u00e9)", R"("})"), completion},
        {"prompts", repeated(R"({"model":"m","prompt":[)", R"("a#",)", R"("b"]})"), completion},
        {"white space", repeated(R"({"model":"m",)", " \t\n", R"("prompt":"a"})"), completion},
        {"image URLs",
         repeated(R"({"model":"m","messages":[)", R"({"image_url":"https://a/#"},)", "{}]}"), chat},
        {"parts of a form", repeated("", part + "x#\"\r\n\r\nv\r\n", "------b--\r\n"), form},
        {"half boundaries",
         repeated(part + "file\"; filename=\"a\"\r\n\r\n", "\r\n------", "\r\n------b--\r\n"),
         form},
        {"fields of a part", repeated("------b\r\n", "x-f#: v\r\n", "\r\n\r\n------b--\r\n"), form},
    };
    for (const Row& row : rows) expect_linear(row);
}

TEST(Doubling, AnswersTakeWorkInProportion) {
    using openai::Endpoint;
    const auto chat = [](const std::string& body) {
        static_cast<void>(openai::stream_of_answer(Endpoint::chat_completions, body, true));
        static_cast<void>(openai::facts_of_answer(Endpoint::chat_completions, body));
    };
    const auto response = [](const std::string& body) {
        static_cast<void>(openai::stream_of_answer(Endpoint::responses, body, true));
        static_cast<void>(openai::facts_of_answer(Endpoint::responses, body));
    };
    const auto error = [](const std::string& body) {
        static_cast<void>(openai::normalise_error(400, "application/json", body));
        static_cast<void>(openai::error_in(body));
        static_cast<void>(provider::retry_delay_in(body));
    };
    const std::vector<Row> rows{
        {"members of a chat",
         repeated(R"({"object":"chat.completion","choices":[{"index":0,"message":{"content":"x"},)"
                  R"("finish_reason":"stop"}],"metadata":{)",
                  R"("k#":1,)", R"("k":1}})"),
         chat},
        {"choices",
         repeated(R"({"choices":[)",
                  R"({"index":#,"message":{"content":"x"},"finish_reason":"stop"},)",
                  R"({"index":0,"message":{}}]})"),
         chat},
        {"tool calls",
         repeated(R"({"choices":[{"index":0,"message":{"tool_calls":[)",
                  R"({"id":"#","type":"function","function":{"name":"f","arguments":"{}"}},)",
                  R"({}]}}]})"),
         chat},
        {"members of a response",
         repeated(R"({"object":"response","status":"completed","output":[],"metadata":{)",
                  R"("k#":1,)", R"("k":1}})"),
         response},
        {"items of a response",
         repeated(R"({"object":"response","status":"completed","output":[)",
                  R"({"type":"message","content":[{"type":"output_text","text":"x"}]},)",
                  R"({"type":"message","content":[]}]})"),
         response},
        {"usages", repeated(R"({"choices":[],)", R"("usage":{"total_tokens":#},)", R"("u":1})"),
         chat},
        {"members of an error", repeated(R"({"error":{"message":"x",)", R"("k#":1,)", R"("k":1}})"),
         error},
        {"errors", repeated("[", R"({"error":{"message":"x"}},)", "{}]"), error},
        {"times to try again", repeated("", "try again in 1x ", ""), error},
        {"delays", repeated("", R"("retryDelay": )", ""), error},
    };
    for (const Row& row : rows) expect_linear(row);
}

TEST(Doubling, TheEchoModelTakesWorkInProportion) {
    const auto ask = [](std::string_view path) {
        return [path](const std::string& body) {
            static_cast<void>(openai::echo_answer(path, body, 16, 1'700'000'000));
        };
    };
    const std::vector<Row> rows{
        {"members",
         repeated(R"({"model":"m","messages":[],"metadata":{)", R"("k#":1,)", R"("k":1}})"),
         ask("/chat/completions")},
        {"messages",
         repeated(R"({"model":"m","messages":[)", R"({"role":"user","content":"#"},)",
                  R"({"role":"user","content":"a"}]})"),
         ask("/chat/completions")},
        {"words", repeated(R"({"model":"m","prompt":")", "w# ", R"("})"), ask("/completions")},
        {"items",
         repeated(R"({"model":"m","input":[)", R"({"role":"user","content":"#"},)",
                  R"({"role":"user","content":"a"}]})"),
         ask("/responses")},
    };
    for (const Row& row : rows) expect_linear(row);
}

/// A stream that arrives in reads of `piece_bytes`.
void read_stream(const std::string& stream, std::size_t piece_bytes, std::size_t buffer_bytes) {
    static const Redaction none;
    openai::EventPieces pieces(openai::SseScanner(openai::Endpoint::chat_completions,
                                                  {.usage_event = true, .usage_members = true}),
                               none, {.buffer_bytes = buffer_bytes});
    std::string held;
    for (std::size_t at = 0; at < stream.size() && !pieces.is_last(); at += piece_bytes) {
        held.append(stream, at, piece_bytes);
        pieces.take(held, at + piece_bytes >= stream.size());
        if (pieces.is_prelude()) pieces.set_aside();
        held.erase(0, pieces.consume());
    }
}

TEST(Doubling, StreamsTakeWorkInProportion) {
    constexpr std::size_t buffer_bytes = 64 * 1024;
    const auto whole = [](const std::string& stream) {
        read_stream(stream, buffer_bytes, buffer_bytes);
    };
    const auto dripping = [](const std::string& stream) { read_stream(stream, 16, buffer_bytes); };
    const std::string event =
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":{}}\n\n";
    const std::vector<Row> rows{
        {"events", repeated("", event, ""), whole},
        {"events in small reads", repeated("", event, ""), dripping},
        {"one event",
         repeated("data: {\"choices\":[{\"delta\":{\"content\":\"", "x#", "\"}}]}\n\n"), whole},
        {"one event of lines", repeated("", "data: x\n", "\n"), whole},
        {"ids and retries", repeated("", "id: 1\nretry: 1\n", "\n"), whole},
        {"comments", repeated("", ": x\n\n", ""), whole},
        {"comments in small reads", repeated("", ": x\n\n", ""), dripping},
        {"blank lines", repeated("", "\r\n", ""), whole},
        {"names", repeated("", "event: x\n", "\n"), whole},
        {"members of an event", repeated("data: {\"usage\":null,", "\"k#\":1,", "\"k\":1}\n\n"),
         whole},
    };
    for (const Row& row : rows) expect_linear(row);
}

TEST(Doubling, HeadsAndChunksTakeWorkInProportion) {
    constexpr http::HeadLimits limits{.head_bytes_max = std::size_t{1} << 30,
                                      .request_line_bytes_max = std::size_t{1} << 30};
    // As they come: each byte is looked at when it arrives, and those before it are not again.
    const auto request = [&limits](const std::string& head) {
        for (std::size_t size = 1; size <= head.size(); ++size) {
            const auto end = http::find_request_head_end({head.data(), size}, size - 1, limits);
            if (!end || *end > 0) break;
        }
        http::RequestHead parsed;
        static_cast<void>(http::parse_request_head(head, limits, parsed));
    };
    const auto answer = [&limits](const std::string& head) {
        for (std::size_t size = 1; size <= head.size(); ++size) {
            const auto end = http::find_response_head_end({head.data(), size}, size - 1, limits);
            if (!end || *end > 0) break;
        }
        http::ResponseHead parsed;
        static_cast<void>(http::parse_response_head(head, http::Method::post, limits, parsed));
    };
    const auto chunks = [](const std::string& body) {
        http::ChunkedDecoder decoder(ErrorKind::bad_request);
        for (std::size_t at = 0; at < body.size() && !decoder.done();) {
            const auto step = decoder.decode(std::string_view(body).substr(at, 64));
            if (!step) break;
            at += step->consumed;
        }
    };
    const std::string line = "GET / HTTP/1.1\r\nhost: x\r\n";
    const std::vector<Row> rows{
        {"a long field", repeated(line + "x: ", "y", "\r\n\r\n"), request},
        {"many fields", repeated(line, "x#: y\r\n", "\r\n"), request},
        {"a long target", repeated("GET /", "a&", " HTTP/1.1\r\nhost: x\r\n\r\n"), request},
        {"a list in Connection", repeated(line + "connection: ", "a#,", "b\r\n\r\n"), request},
        {"a long field of an answer", repeated("HTTP/1.1 200 OK\r\nx: ", "y", "\r\n\r\n"), answer},
        {"a list in Connection of an answer",
         repeated("HTTP/1.1 200 OK\r\nconnection: ", "a#,", "b\r\n\r\n"), answer},
        {"chunks of a byte", repeated("", "1\r\nx\r\n", "0\r\n\r\n"), chunks},
    };
    for (const Row& row : rows) expect_linear(row);
}

TEST(Doubling, ContentCodingsTakeWorkInProportion) {
    const auto decode_as = [](http::ContentCoding coding) {
        return [coding](const std::string& coded) {
            MemoryBudget budget(std::size_t{64} << 20);
            http::ContentDecoder decoder(
                coding,
                {.malformed = ErrorKind::invalid_body,
                 .cut = ErrorKind::invalid_body,
                 .expansion = ErrorKind::request_too_large},
                {.budget = budget, .use = MemoryUse::request, .share = nullptr});
            std::array<char, 4096> room;
            for (std::size_t at = 0; at < coded.size();) {
                auto step = decoder.decode(std::string_view(coded).substr(at), room);
                ASSERT_TRUE(step) << step.error().detail;
                at += step->consumed;
            }
        };
    };
    // The smallest parts make the most work for each byte.
    const std::vector<Row> rows{
        {"members of gzip without content", repeated("", support::encoded("gzip", ""), ""),
         decode_as(http::ContentCoding::gzip)},
        {"members of gzip", repeated("", support::encoded("gzip", "x"), ""),
         decode_as(http::ContentCoding::gzip)},
        {"frames of zstd", repeated("", support::encoded("zstd", "y"), ""),
         decode_as(http::ContentCoding::zstd)},
        {"skippable frames", repeated("", std::string("\x50\x2a\x4d\x18\0\0\0\0", 8), ""),
         decode_as(http::ContentCoding::zstd)},
    };
    for (const Row& row : rows) expect_linear(row);
}

TEST(Doubling, QueriesAndNamesTakeWorkInProportion) {
    const auto target = [](config::UpstreamKind kind) {
        return [kind](const std::string& text) {
            config::Upstream upstream;
            upstream.kind = kind;
            upstream.endpoints = {{.tls = true, .host = "h", .port = 443, .path_prefix = "/v1"}};
            std::string out;
            provider::append_target(out, upstream, 0, openai::Endpoint::chat_completions, text,
                                    text);
        };
    };
    const auto query = [](const std::string& text) {
        static_cast<void>(admin::query_value(text, "none"));
    };
    const std::vector<Row> rows{
        {"parameters of a client", repeated("", "beta=#&", ""),
         target(config::UpstreamKind::openai)},
        {"a name of a deployment", repeated("", "%/", ""), target(config::UpstreamKind::azure)},
        {"parameters of an operator", repeated("", "a#=%41&", ""), query},
        {"half percent codes", repeated("", "%4", ""), query},
    };
    for (const Row& row : rows) expect_linear(row);
}

TEST(Doubling, LookingForSecretsTakesWorkInProportion) {
    static const Redaction redaction = [] {
        Redaction made;
        made.add("sk-provider-0123456789");
        made.add("sk-provider-0123456789-longer");
        made.finish();
        return made;
    }();
    const auto clean = [](const std::string& text) {
        static_cast<void>(redaction.cleaned(text).size());
    };
    const std::vector<Row> rows{
        {"secrets", repeated("", "sk-provider-0123456789 ", ""), clean},
        {"beginnings of secrets", repeated("", "sk-provider-", ""), clean},
        {"escapes", repeated("", "\\u0073\\u006b%2d", ""), clean},
        {"escapes inside escapes", repeated("", "%25", ""), clean},
        {"backslashes", repeated("", "\\", ""), clean},
        {"ampersands", repeated("", "&#", ""), clean},
        {"line ends", repeated("sk-prov", "\r\n ", "ider-0123456789"), clean},
        {"hexadecimal digits", repeated("", "736b2d70726f", ""), clean},
        // Text is looked at in pieces of 128 KiB: only below that can the work be quadratic.
        {"secrets as hexadecimal digits",
         repeated("", "736b2d70726f76696465722d30313233343536373839", ""), clean, 8 * 1024},
        {"secrets as base64", repeated("", "c2stcHJvdmlkZXItMDEyMzQ1Njc4OQ==", ""), clean,
         8 * 1024},
        {"secrets as both and as they are",
         repeated("", "sk-provider-0123456789736b2d70726f76696465722d30313233343536373839", ""),
         clean, 8 * 1024},
    };
    for (const Row& row : rows) expect_linear(row);
}

TEST(Doubling, ConfigurationsTakeWorkInProportion) {
    const support::TemporaryFolder folder;
    const std::string path = (folder.path() / "gateway.yaml").string();
    const auto load = [&path](const std::string& text) {
        std::ofstream(path) << text;
        static_cast<void>(config::load(path, [](const auto&) { return std::nullopt; }));
    };
    const std::string base =
        "upstreams:\n  up: {base_url: http://127.0.0.1:1}\nmodels:\n  m: {route: [{upstream: "
        "up}]}\n";
    const std::vector<Row> rows{
        {"users", repeated(base + "users:\n", "  u#: {limits: {rpm: 5}}\n", ""), load, 4096},
        {"unknown keys", repeated(base + "users:\n", "  u#: {limit: 5}\n", ""), load, 4096},
        {"models", repeated(base, "  m#: {route: [{upstream: up}]}\n", ""), load, 4096},
        {"unknown upstreams", repeated(base, "  m#: {route: [{upstream: u#}]}\n", ""), load, 4096},
    };
    for (const Row& row : rows) expect_linear(row);
}

}  // namespace
}  // namespace sluicegate
