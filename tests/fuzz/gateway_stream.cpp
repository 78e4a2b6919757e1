/// An event stream on its way from the upstream through EventReader and Attempt to the client, for
/// every buffer and every division: what goes out is what came in without its cuts, no event is
/// torn, and no answer looks complete that is not.
///
/// Input  six bytes that choose; the rest is what the upstream sends as the body.

#include "sluicegate/base/log.hpp"
#include "sluicegate/openai/sse_scanner.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/http_ends.hpp"
#include "fuzz/require.hpp"
#include "gateway/in_process_gateway.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sluicegate;
using fuzz::Choices;
using fuzz::require;
using test::InProcessGateway;

struct Way {
    bool wants_usage;  ///< the client does; else the gateway cuts it out
    bool is_responses;
    std::size_t buffer_bytes;
    std::size_t piece_bytes;
    std::size_t chunk_bytes;  ///< 0: a body that ends with the connection
    std::size_t early_bytes;  ///< arrive together with the head
    bool is_cut;              ///< the connection ends before the body does
};

Way way_of(Choices& choices) {
    constexpr std::array<std::size_t, 8> sizes{1, 2, 3, 7, 16, 61, 250, 4000};
    const std::uint8_t flags = choices.byte();
    return {.wants_usage = (flags & 1U) != 0,
            .is_responses = (flags & 2U) != 0,
            .buffer_bytes = 16 + std::size_t{choices.byte()} * 4,
            .piece_bytes = sizes[choices.below(sizes.size())],
            .chunk_bytes = (flags & 4U) != 0 ? 0 : sizes[choices.below(sizes.size())],
            .early_bytes = std::size_t{choices.byte()},
            .is_cut = (flags & 8U) != 0};
}

std::string request_of(const Way& way) {
    std::string body = R"({"model":"chat","stream":true,"messages":[],"input":"")";
    if (way.wants_usage) {
        body += R"(,"stream_options":{"include_usage":true,"continuous_usage_stats":true})";
    }
    body += "}";
    std::string text = test::chat_request({.body = body});
    const std::string_view chat = "/v1/chat/completions";
    if (way.is_responses) text.replace(text.find(chat), chat.size(), "/v1/responses");
    return text;
}

std::string answer_of(const Way& way, std::string_view stream) {
    std::string text = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    if (way.chunk_bytes == 0) return text + "\r\n" + std::string(stream);
    text += "transfer-encoding: chunked\r\n\r\n";
    std::array<char, 24> digits{};
    while (!stream.empty()) {
        const std::string_view chunk = stream.substr(0, way.chunk_bytes);
        std::snprintf(digits.data(), digits.size(), "%zx\r\n", chunk.size());
        text += digits.data();
        text += chunk;
        text += "\r\n";
        stream.remove_prefix(chunk.size());
    }
    if (!way.is_cut) text += "0\r\n\r\n";
    return text;
}

/// The events, with the blank line that ends each; the last may lack it.
std::vector<std::string_view> events_in(std::string_view stream) {
    std::vector<std::string_view> events;
    std::size_t begin = 0;
    std::size_t line = 0;
    for (std::size_t at = 0; at < stream.size();) {
        if (stream[at] != '\n' && stream[at] != '\r') {
            ++at;
            continue;
        }
        const bool is_blank = at == line;
        at += stream[at] == '\r' && at + 1 < stream.size() && stream[at + 1] == '\n' ? 2 : 1;
        line = at;
        if (!is_blank) continue;
        events.push_back(stream.substr(begin, at - begin));
        begin = at;
    }
    if (begin < stream.size()) events.push_back(stream.substr(begin));
    return events;
}

/// True when `part` is what remains of `whole` after some bytes were left out.
bool is_part_of(std::string_view part, std::string_view whole) {
    for (const char c : whole) {
        if (!part.empty() && part.front() == c) part.remove_prefix(1);
    }
    return part.empty();
}

/// Each event of `out` is one of `in`, or what a cut has left of it, in the same order.
void require_untorn(std::string_view out, std::string_view in) {
    const auto sent = events_in(in);
    std::size_t next = 0;
    for (const std::string_view event : events_in(out)) {
        while (next < sent.size() && !is_part_of(event, sent[next])) ++next;
        require(next < sent.size(), "each event that a client gets is one of the upstream's");
        ++next;
    }
}

openai::SseScanner scanned(const Way& way, std::string_view stream, openai::StreamCuts cuts) {
    using openai::Endpoint;
    openai::SseScanner scanner(way.is_responses ? Endpoint::responses : Endpoint::chat_completions,
                               cuts);
    static_cast<void>(scanner.complete_prefix(stream));
    return scanner;
}

/// A choice that adds nothing stands for `[]` where the rest of an event of usage passes.
std::string without_empty_choices(std::string out) {
    const std::string choice = R"({"index":0,"delta":{},"finish_reason":null})";
    for (auto at = out.find(choice); at != std::string::npos; at = out.find(choice, at)) {
        out.erase(at, choice.size());
    }
    return out;
}

/// Of the comments before the first event only some 4 KiB are kept.
bool may_lose_comments(std::string_view stream) {
    constexpr std::size_t kept_bytes = 4096;
    std::size_t comment_bytes = 0;
    // Where the first event is, only the gateway knows: it may pass over broken ones.
    for (const std::string_view event : events_in(stream)) {
        if (event.find(':') < event.find("data")) comment_bytes += event.size();
    }
    return comment_bytes > kept_bytes;
}

void check(const Way& way, std::string_view stream, const fuzz::GotAnswer& answer) {
    if (answer.status != 200) {
        require(answer.is_complete, "a failure before the first event is a whole answer");
        return;
    }
    std::string_view out = answer.body;
    if (answer.is_complete) {
        const auto scanner = scanned(way, out, {});
        // Without the stream's own end, a body that was cut proves nothing.
        const bool is_proper_end = way.chunk_bytes == 0 || !way.is_cut;
        require(scanner.finished() || scanner.error_seen() ||
                    (is_proper_end && scanner.has_all_reasons()),
                "no end is made up");
        // A last event without its blank line gets one.
        for (int i = 0; i < 2 && out.ends_with('\n'); ++i) {
            if (is_part_of(without_empty_choices(std::string(out)), stream)) break;
            out.remove_suffix(1);
        }
    } else {
        // The event that says why comes last; what stands before it came from the upstream.
        const std::size_t told =
            out.rfind(way.is_responses ? "event: error\n" : "data: {\"error\"");
        require(told != std::string_view::npos, "a stream that breaks off says so");
        out = out.substr(0, told);
        const bool is_mid_event = out.ends_with("\n\n") && !stream.starts_with(out);
        if (is_mid_event) out.remove_suffix(2);
    }
    const openai::StreamCuts cuts{.usage_event = !way.wants_usage,
                                  .usage_members = !way.wants_usage};
    auto cutter = scanned(way, stream, cuts);
    static_cast<void>(cutter.end_of_stream());
    const bool is_anything_cut = !cutter.cuts().empty();
    if (!is_anything_cut && !may_lose_comments(stream)) {
        require(stream.starts_with(out), "bytes out are bytes in");
    } else {
        const std::string rest = without_empty_choices(std::string(out));
        require(is_part_of(rest, stream), "bytes out are bytes in without the cuts");
        // The upstream may have sent the same.
        const std::string asked = without_empty_choices(std::string(stream));
        if (answer.is_complete) require_untorn(rest, asked);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t stream_bytes_max = 16'000;
    log::set_level(log::Level::error);
    Choices choices(data, std::min(size, stream_bytes_max));
    const Way way = way_of(choices);
    const std::string_view stream = choices.rest();
    InProcessGateway gateway({}, nullptr,
                             {.keep_alive = Milliseconds(0), .buffer = way.buffer_bytes});
    test::RawPeer& client = gateway.connect();
    const std::string request = request_of(way);
    client.send(request);
    gateway.settle();
    require(gateway.upstreams.size() == 1, "the request reaches the upstream");
    std::string received;
    {
        const fuzz::GrowthCheck growth(
            size, {.base_bytes = 600'000, .held_per_byte = 100, .taken_per_byte = 4000});
        const std::string answer = answer_of(way, stream);
        std::string_view rest = answer;
        const std::size_t early = rest.find("\r\n\r\n") + 4 + way.early_bytes;
        for (std::size_t step = early; !rest.empty(); step = way.piece_bytes) {
            const std::string_view piece = rest.substr(0, step);
            if (::send(gateway.upstreams[0].descriptor(), piece.data(), piece.size(),
                       MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                break;  // the gateway has heard enough
            }
            rest.remove_prefix(piece.size());
            gateway.settle();
            received += client.received();
        }
    }
    gateway.upstreams[0].close();
    gateway.settle();
    received += client.received();
    const auto messages = fuzz::messages_in(request);
    const auto answers = fuzz::answers_in(received, messages);
    // Where retries are possible the gateway asks again; nothing but its deadline answers then.
    if (answers.empty()) {
        require(gateway.upstreams.size() > 1, "the client is answered");
        return 0;
    }
    check(way, stream, answers.front());
    require(gateway.memory.used() <= way.buffer_bytes + 100'000, "the buffer bounds the memory");
    return 0;
}
