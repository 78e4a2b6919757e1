/// The connection loop over socket pairs: a list of steps says what up to four clients send in
/// which pieces, how the upstream answers, when time passes and who leaves when.
///
/// Promises  each answer is framed right and belongs to a request of its client, in order; its id
///           is its own; where the upstream is honest, it speaks of that request; the upstream gets
///           whole requests with its own credential alone. When all is over, nothing is left: no
///           connection, task, descriptor, memory, slot or reservation.
/// Source    tests/gateway/in_process_gateway.hpp: one worker whose clock the steps move.

#include "sluicegate/base/log.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/http_ends.hpp"
#include "fuzz/require.hpp"
#include "gateway/in_process_gateway.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <dirent.h>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sluicegate;
using fuzz::Choices;
using fuzz::require;
using test::InProcessGateway;
using test::RawPeer;

constexpr std::size_t clients_max = 4;
constexpr std::size_t pieces_max = 64;
constexpr limit::Plan roomy{.concurrency = 16};
constexpr limit::Plan tight{.rpm = 4, .concurrency = 1};

std::size_t open_descriptors() {
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    std::size_t count = 0;
    while (::readdir(folder) != nullptr) ++count;
    ::closedir(folder);
    return count;
}

/// "mark-b-12." says which request of which client a body belongs to.
std::string mark_in(std::string_view text) {
    const std::size_t at = text.find("mark-");
    if (at == std::string_view::npos) return {};
    const std::size_t end = text.find('.', at);
    return std::string(text.substr(at, end == std::string_view::npos ? end : end - at + 1));
}

std::string with_length(std::string head, std::string_view body) {
    head += "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
    head += body;
    return head;
}

std::string chunked(std::string_view body, std::size_t chunk_bytes) {
    std::string out;
    std::array<char, 16> digits{};
    while (!body.empty()) {
        const std::string_view chunk = body.substr(0, chunk_bytes);
        std::snprintf(digits.data(), digits.size(), "%zx\r\n", chunk.size());
        out += digits.data();
        out += chunk;
        out += "\r\n";
        body.remove_prefix(chunk.size());
    }
    return out + "0\r\n\r\n";
}

std::string head_of(std::string_view line, std::string_view key = "sk-alice") {
    std::string head(line);
    head += "\r\nhost: gateway\r\nauthorization: Bearer ";
    head += key;
    head += "\r\ncontent-type: application/json\r\n";
    return head;
}

constexpr std::size_t request_kinds = 16;

std::string request_of_kind(std::size_t kind, const std::string& mark) {
    const std::string chat = "POST /v1/chat/completions HTTP/1.1";
    const auto body = [&](std::string_view members) {
        std::string text = R"({"model":"chat","user":")" + mark + "\"";
        text += members;
        return text + "}";
    };
    const std::string plain = body(R"(,"messages":[{"role":"user","content":"hello"}])");
    const std::string streamed = body(R"(,"messages":[],"stream":true)");
    switch (kind) {
        case 0: return head_of("GET /v1/models HTTP/1.1") + "\r\n";
        case 1: return with_length(head_of(chat), plain);
        case 2: return with_length(head_of(chat), streamed);
        case 3:
            return with_length(
                head_of(chat),
                body(R"(,"messages":[],"stream":true,"stream_options":{"include_usage":true})"));
        case 4: return head_of(chat) + "transfer-encoding: chunked\r\n\r\n" + chunked(plain, 7);
        case 5: return with_length(head_of(chat) + "expect: 100-continue\r\n", plain);
        case 6: return with_length(head_of("POST /v1/chat/completions HTTP/1.0"), plain);
        case 7: return head_of("HEAD /v1/models HTTP/1.1") + "\r\n";
        case 8: return with_length(head_of(chat, "sk-mallory"), plain);
        case 9: return with_length(head_of("POST /v1/nothing HTTP/1.1"), "0123456789");
        case 10: return with_length(head_of(chat) + "connection: close\r\n", plain);
        case 11: return with_length(head_of("POST /v1/audio/speech HTTP/1.1"), plain);
        case 12:
            return with_length(head_of(chat), body(R"(,"messages":[],"filler":")" +
                                                   std::string(40'000, 'x') + "\""));
        case 13: return with_length(head_of(chat, "sk-mallory"), body(std::string(40'000, ' ')));
        case 14: return with_length(head_of("POST /v1/responses HTTP/1.1"), streamed);
        default:
            return with_length(
                head_of("POST /v1/chat/completions HTTP/1.0") + "connection: keep-alive\r\n",
                streamed);
    }
}

/// How the upstream answers the requests that are complete.
enum class Style : std::uint8_t {
    usual,
    drip,
    interim,
    until_close,
    rejects,
    fails,
    refuses,
    silent,
    cut,
    json_alone,
    large,
    closes,
    count_
};

class Client {
public:
    Client(RawPeer& peer, char name) : peer_(peer), name_(name) {}

    std::string next_mark() {
        std::string mark = "mark-";
        mark += name_;
        return mark + "-" + std::to_string(++marks_) + ".";
    }
    /// What does not fit the socket's buffer is not sent, and nothing after it.
    void send(std::string_view bytes) {
        if (is_full_ || has_closed_) return;
        const auto sent =
            ::send(peer_.descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) sent_.append(bytes, 0, static_cast<std::size_t>(sent));
        is_full_ = sent != static_cast<ssize_t>(bytes.size());
    }
    void read() {
        if (!has_closed_) received_ += peer_.received();
    }
    void shut_down() {
        peer_.shutdown_send();
        is_full_ = true;
    }
    void close() {
        read();
        peer_.close();
        has_closed_ = true;
    }

    bool reads = true;

    [[nodiscard]] bool is_full() const noexcept { return is_full_; }
    [[nodiscard]] bool has_closed() const noexcept { return has_closed_; }
    [[nodiscard]] const std::string& sent() const noexcept { return sent_; }
    [[nodiscard]] const std::string& received() const noexcept { return received_; }

private:
    RawPeer& peer_;
    char name_;
    unsigned marks_ = 0;
    std::string sent_;
    std::string received_;
    bool is_full_ = false;
    bool has_closed_ = false;
};

/// The upstream's end of one connection.
struct UpstreamEnd {
    std::string received;
    bool is_closed = false;
};

class Scene {
public:
    explicit Scene(bool is_tight)
        : plan_(is_tight ? tight : roomy), gateway_(plan_, nullptr, {.buffer = 4096}) {
        connect();
    }

    void run(Choices& choices) {
        for (int steps = 0; !choices.empty() && steps < 200; ++steps) step(choices);
    }

    /// Everything ends, and all promises are checked.
    void end() {
        style_ = Style::usual;
        settle();
        for (int i = 0; i < 100; ++i) {
            std::size_t read = 0;
            for (Client& client : clients_) {
                const std::size_t before = client.received().size();
                client.read();
                read += client.received().size() - before;
            }
            settle();
            if (read == 0) break;
        }
        std::size_t answers = 0;
        for (const Client& client : clients_) answers += check_answers(client);
        for (Client& client : clients_) client.close();
        for (RawPeer& peer : gateway_.upstreams) peer.close();
        gateway_.pass(std::chrono::hours(1));
        gateway_.pass(std::chrono::hours(1));
        // While what is left of a refused request is dropped, its line is not written yet.
        const std::string& lines = gateway_.worker.context().access_lines;
        require(static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n')) >= answers,
                "each answer has a line in the access log, or is one of many failures");
        check_that_nothing_is_left();
    }

private:
    Client& client() { return clients_[current_]; }

    void connect() {
        RawPeer& peer = gateway_.connect();
        clients_.emplace_back(peer, static_cast<char>('a' + clients_.size()));
        current_ = clients_.size() - 1;
    }

    void send_in_pieces(std::string_view bytes, std::size_t way) {
        constexpr std::array<std::size_t, 6> sizes{0, 1, 7, 100, 1000, 5000};
        const std::size_t size = sizes[way % sizes.size()];
        for (std::size_t i = 0; size > 0 && i < pieces_max && bytes.size() > size; ++i) {
            client().send(bytes.substr(0, size));
            bytes.remove_prefix(size);
            settle();
        }
        client().send(bytes);
        settle();
    }

    void step(Choices& choices) {
        switch (choices.below(16)) {
            case 0:
            case 1:
            case 2:
            case 3: {
                const std::size_t kind = choices.below(request_kinds);
                send_in_pieces(request_of_kind(kind, client().next_mark()), choices.byte());
                break;
            }
            case 4:
            case 5: {
                const std::size_t way = choices.byte();
                send_in_pieces(choices.bytes(choices.byte()), way);
                break;
            }
            case 6: {
                constexpr std::array<int, 7> times{1, 50, 1000, 10'050, 15'000, 75'050, 600'000};
                gateway_.pass(Milliseconds(times[choices.below(times.size())]));
                is_plain_ = false;
                break;
            }
            case 7:
                client().shut_down();
                is_plain_ = false;
                break;
            case 8:
                client().close();
                is_plain_ = false;
                break;
            case 9:
                if (choices.flag() && clients_.size() < clients_max)
                    connect();
                else
                    current_ = choices.below(clients_.size());
                break;
            case 10:
                style_ = static_cast<Style>(choices.below(static_cast<std::size_t>(Style::count_)));
                break;
            case 11: answer_with_bytes(choices.bytes(choices.byte())); break;
            case 12:
                if (!gateway_.upstreams.empty()) end_upstream(choices);
                break;
            case 13:
                gateway_.refuses_connections = choices.flag();
                is_plain_ = is_plain_ && !gateway_.refuses_connections;
                break;
            case 14: client().reads = choices.flag(); break;
            default:
                if (choices.byte() == 'D') {
                    gateway_.worker.drain();
                    is_plain_ = false;
                }
        }
        settle();
    }

    void answer_with_bytes(std::string_view bytes) {
        if (gateway_.upstreams.empty()) return;
        // HTTP/1.1 cannot tell an answer without a request from that of the next request.
        is_honest_ = false;
        is_plain_ = false;
        send_from(gateway_.upstreams.size() - 1, bytes);
    }

    void end_upstream(Choices& choices) {
        const std::size_t which = choices.below(gateway_.upstreams.size());
        if (choices.flag())
            gateway_.upstreams[which].shutdown_send();
        else
            close_upstream(which);
        is_plain_ = false;
    }

    void close_upstream(std::size_t which) {
        gateway_.upstreams[which].close();
        upstream_end(which).is_closed = true;
    }

    UpstreamEnd& upstream_end(std::size_t which) {
        while (upstreams_.size() <= which) upstreams_.emplace_back();
        return upstreams_[which];
    }

    void send_from(std::size_t which, std::string_view bytes) {
        if (upstream_end(which).is_closed) return;
        const int descriptor = gateway_.upstreams[which].descriptor();
        const auto sent =
            ::send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        // An answer that is longer than the socket's buffer breaks off.
        if (sent != static_cast<ssize_t>(bytes.size())) close_upstream(which);
    }

    /// Until nothing moves any more.
    void settle() {
        for (int i = 0; i < 100; ++i) {
            gateway_.settle();
            for (Client& client : clients_) {
                if (client.reads) client.read();
            }
            if (!drive_upstreams()) break;
        }
    }

    bool drive_upstreams() {
        bool has_answered = false;
        for (std::size_t i = 0; i < gateway_.upstreams.size(); ++i) {
            UpstreamEnd& end = upstream_end(i);
            if (end.is_closed) continue;
            end.received += gateway_.upstreams[i].received();
            if (style_ != Style::silent) has_answered |= answer_requests(i, end);
        }
        is_plain_ = is_plain_ && style_ != Style::silent;
        return has_answered;
    }

    bool answer_requests(std::size_t which, UpstreamEnd& end) {
        if (end.received.empty()) return false;
        const auto messages = fuzz::messages_in(end.received);
        const fuzz::SentMessage& message = messages.front();
        require(message.is_valid, "the upstream gets requests that follow the grammar");
        require(message.text.find("sk-alice") == std::string_view::npos,
                "a client's key stays here");
        if (!message.is_complete) return false;
        require(message.text.find("\r\nauthorization: Bearer sk-provider\r\n") !=
                    std::string_view::npos,
                "the upstream gets its own key");
        require(message.text.find("\"chat-large\"") != std::string_view::npos,
                "the upstream gets its own name of the model");
        answer(which, message);
        if (!end.is_closed) end.received.erase(0, message.text.size());
        return true;
    }

    void answer(std::size_t which, const fuzz::SentMessage& message) {
        const std::string mark = mark_in(message.body);
        const bool is_streaming = message.body.find("\"stream\":true") != std::string::npos &&
                                  style_ != Style::json_alone;
        const bool is_responses = message.text.starts_with("POST /v1/responses ");
        const bool is_speech = message.text.starts_with("POST /v1/audio/speech ");
        std::string body;
        std::string type = "application/json";
        const std::string filler(style_ == Style::large ? 90'000 : 0, 'y');
        if (is_speech) {
            type = "audio/mpeg";
            body = mark + filler;
        } else if (is_streaming && is_responses) {
            type = "text/event-stream";
            body =
                "event: response.output_text.delta\ndata: {\"type\":"
                "\"response.output_text.delta\",\"delta\":\"" +
                mark + filler +
                "\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\","
                "\"response\":{\"usage\":{\"input_tokens\":1,\"output_tokens\":1,"
                "\"total_tokens\":2}}}\n\n";
        } else if (is_streaming) {
            type = "text/event-stream";
            body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + mark + filler +
                   "\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
                   "\"completion_tokens\":1,\"total_tokens\":2}}\n\ndata: [DONE]\n\n";
        } else if (is_responses) {
            body = R"({"id":"r","object":"response","status":"completed","output":[],"user":")" +
                   mark + "\"}";
        } else {
            body = R"({"id":"c","object":"chat.completion","choices":[{"index":0,"message":)"
                   R"({"role":"assistant","content":")" +
                   mark + filler +
                   R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,)"
                   R"("completion_tokens":1,"total_tokens":2}})";
        }
        std::string head = "HTTP/1.1 200 OK\r\ncontent-type: " + type + "\r\n";
        const std::string error = R"({"error":{"message":")" + mark + R"(","type":"t"}})";
        switch (style_) {
            case Style::drip: {
                const std::string text = head + "transfer-encoding: chunked\r\n\r\n";
                drip(which, text + chunked(body, 50));
                break;
            }
            case Style::interim:
                send_from(which, "HTTP/1.1 103 Early Hints\r\n\r\n");
                gateway_.settle();
                send_from(which, with_length(head, body));
                break;
            case Style::until_close:
                send_from(which, head + "\r\n" + body);
                close_upstream(which);
                break;
            case Style::rejects:
                send_from(which, with_length("HTTP/1.1 400 Bad Request\r\ncontent-type: "
                                             "application/json\r\n",
                                             error));
                break;
            case Style::fails: send_from(which, with_length("HTTP/1.1 500 Oops\r\n", error)); break;
            case Style::refuses:
                send_from(which, with_length("HTTP/1.1 429 Too Many\r\nretry-after: 1\r\n", error));
                break;
            case Style::cut: {
                const std::string text = with_length(head, body);
                send_from(which, std::string_view(text).substr(0, text.size() - body.size() / 2));
                close_upstream(which);
                break;
            }
            case Style::closes:
                send_from(which, with_length(head + "connection: close\r\n", body));
                close_upstream(which);
                break;
            default: send_from(which, with_length(head, body));
        }
    }

    void drip(std::size_t which, std::string_view text) {
        for (std::size_t i = 0; i < text.size(); i += 40) {
            send_from(which, text.substr(i, 40));
            gateway_.settle();
        }
    }

    /// Returns how many answers the client has that are no failures.
    std::size_t check_answers(const Client& client) {
        const auto messages = fuzz::messages_in(client.sent());
        const auto answers = fuzz::answers_in(client.received(), messages);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            const fuzz::GotAnswer& answer = answers[i];
            require(!answer.id.empty() && ids_.insert(answer.id).second,
                    "each answer has an id of its own");
            const bool is_whole = answer.is_complete && messages[i].method != http::Method::head;
            if (answer.status >= 400 && is_whole) {
                const auto body = nlohmann::json::parse(answer.body, nullptr, false);
                require(body.is_object() && body.contains("error"), "a failure is told in JSON");
            }
            const std::string mark = mark_in(answer.body);
            require(!is_honest_ || mark.empty() || !answer.is_complete ||
                        mark == mark_in(messages[i].body),
                    "an answer speaks of its own request");
        }
        if (is_plain_ && !client.is_full() && (answers.empty() || answers.back().keeps_open)) {
            const auto whole = std::ranges::count_if(
                messages, [](const fuzz::SentMessage& message) { return message.is_complete; });
            require(answers.size() >= static_cast<std::size_t>(whole), "each request is answered");
        }
        return static_cast<std::size_t>(std::ranges::count_if(
            answers, [](const fuzz::GotAnswer& answer) { return answer.status < 400; }));
    }

    void check_that_nothing_is_left() {
        require(gateway_.places.taken() == 0, "no connection is left");
        require(gateway_.memory.used() == 0, "no memory is claimed");
        require(net::escaped_exceptions() == 0, "no task has failed");
        const Instant now = gateway_.clock.now();
        const auto budgets = gateway_.limiter.peek(UserId(0), ModelId(0), plan_, now);
        require(budgets.concurrency.used == 0, "no reservation is left");
        const auto& routes = gateway_.worker.context().snapshot->shared->routes;
        for (const auto& endpoint : routes.upstreams[0]->endpoints()) {
            require(endpoint->slots.in_flight() == 0, "no slot is taken");
        }
        gateway_.worker.drain();
        gateway_.settle();
        require(gateway_.io().stopped(), "no task is left behind");
    }

    limit::Plan plan_;
    InProcessGateway gateway_;
    std::deque<Client> clients_;
    std::deque<UpstreamEnd> upstreams_;
    std::set<std::string> ids_;
    std::size_t current_ = 0;
    Style style_ = Style::usual;
    bool is_honest_ = true;  ///< the upstream has answered what it was asked, and nothing else
    bool is_plain_ = true;   ///< nothing has happened that could keep an answer from its client
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    log::set_level(log::Level::error);
    static const std::size_t usual_descriptors = [] {
        Scene(false).end();
        return open_descriptors();
    }();
    {
        const fuzz::GrowthCheck growth(size, {.base_bytes = std::size_t{16} << 20,
                                              .held_per_byte = 200'000,
                                              .taken_per_byte = 2'000'000});
        Choices choices(data, size);
        Scene scene(choices.flag());
        scene.run(choices);
        scene.end();
    }
    require(open_descriptors() == usual_descriptors, "no descriptor is left open");
    return 0;
}
