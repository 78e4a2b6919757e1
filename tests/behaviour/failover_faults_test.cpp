// Every fault of an upstream, and a healthy one beside it: the client gets one good answer and sees
// nothing of the fault.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view leak = "org-SECRET";

std::string provider_error(const std::string& type, const std::string& code) {
    return R"({"error":{"message":")" + std::string(leak) + R"(","type":")" + type +
           R"(","param":null,"code":")" + code + "\"}}";
}

struct Fault {
    std::string name;
    std::function<void(FakeUpstream&)> arrange;
    enum class For { both, json, stream } kind = For::both;
    /// All servers of the account share it: another one of the same upstream is no way out.
    bool is_of_account = false;
};

Fault answering(const std::string& name, const Script& script, Fault::For kind = Fault::For::both) {
    return {name, [script](FakeUpstream& upstream) { upstream.answer(script); }, kind};
}

Fault refusing(const std::string& name, const Script& script) {
    return {name, [script](FakeUpstream& upstream) { upstream.answer(script); }, Fault::For::both,
            true};
}

std::vector<Fault> connection_faults() {
    return {
        {"refused", [](FakeUpstream& upstream) { upstream.refuse_connections(); }},
        {"accepted and closed",
         [](FakeUpstream& upstream) { upstream.on_connect([](int) { return Script().cut(); }); }},
        {"accepted and reset",
         [](FakeUpstream& upstream) { upstream.on_connect([](int) { return Script().reset(); }); }},
        answering("closed after the request", Script().cut()),
        answering("reset after the request", Script().reset()),
        answering("reset in the head", Script().send("HTTP/1.1 200 OK\r\nContent-").reset()),
        answering("closed in the head", Script().send("HTTP/1.1 200 OK\r\nContent-").cut()),
    };
}

std::vector<Fault> nonsense() {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string json = "Content-Type: application/json\r\n";
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    const auto both = Fault::For::both;
    return {
        answering("garbage head", Script().send("\x16\x03\x01 garbage\r\n\r\n").stall()),
        answering("another protocol", Script().send("SSH-2.0-OpenSSH_9.2\r\n\r\n").stall()),
        answering("status 999", Script().send("HTTP/1.1 999 X\r\n\r\n").stall()),
        answering("oversize head",
                  Script().send(ok + "X: " + std::string(200'000, 'x') + "\r\n\r\n").stall()),
        answering(
            "two lengths",
            Script().send(ok + json + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x").stall()),
        answering("length and chunks",
                  Script()
                      .send(ok + json + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" +
                            chunk("{}") + chunk(""))
                      .stall()),
        answering("length is no number",
                  Script().send(ok + json + "Content-Length: two\r\n\r\n{}").stall()),
        answering("endless 1xx", Script().repeat(hints)),
        answering("endless slow 1xx", Script().repeat(hints, milliseconds(50))),
        answering("101", Script()
                             .send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                   "Connection: Upgrade\r\n\r\n")
                             .stall()),
        answering("204", Script().send(response_head(204, "")), both),
        answering(
            "204 with a body",
            Script().send("HTTP/1.1 204 No Content\r\n" + json + "Content-Length: 2\r\n\r\n{}"),
            both),
        answering("301", Script().send(response_head(
                             301, "Location: http://other.test/\r\nContent-Length: 0\r\n"))),
        answering("307", Script().send(response_head(
                             307, "Location: /v1/chat/completions\r\nContent-Length: 0\r\n"))),
        answering("HTML with status 200",
                  Script().send(response(200, "text/html", "<html>login</html>"))),
    };
}

std::vector<Fault> silence() {
    const auto json_only = Fault::For::json;
    const std::string json =
        response_head(200, "Content-Type: application/json\r\nContent-Length: 100\r\n");
    return {
        answering("no answer", Script().stall()),
        answering("half a head", Script().send("HTTP/1.1 200 OK\r\nCont").stall()),
        answering("a dripping head",
                  Script().send("HTTP/1.1 200 OK\r\nX: ").repeat("x", milliseconds(30))),
        answering("silence in the body", Script().send(json + "{").stall(), json_only),
        answering("a dripping body", Script().send(json).repeat(" ", milliseconds(100)), json_only),
        answering("silence before the first event", Script().send(sse_head()).stall(),
                  Fault::For::stream),
    };
}

std::vector<Fault> cut_bodies() {
    const std::string type = "Content-Type: application/json\r\n";
    const std::string sized = response_head(200, type + "Content-Length: 100\r\n");
    const std::string chunked = response_head(200, type + "Transfer-Encoding: chunked\r\n");
    const std::string gzip(
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6"
        "\xa3\x02\x00\x00\x00",
        22);  // of {}
    const auto json = Fault::For::json;
    const auto stream = Fault::For::stream;
    return {
        answering("JSON reset", Script().send(sized + "{\"id\"").reset(), json),
        answering("JSON shorter than its length", Script().send(sized + "{\"id\"").cut(), json),
        answering("chunked JSON cut", Script().send(chunked + "20\r\n{\"id\"").cut(), json),
        answering("chunked JSON without its end", Script().send(chunked + chunk("{}")).cut(), json),
        answering("a broken chunk", Script().send(chunked + "zz\r\n{}\r\n").stall(), json),
        answering(
            "JSON in an unknown coding",
            Script().send(response(200, "application/json", gzip, "Content-Encoding: x-own\r\n")),
            json),
        answering("JSON in a damaged coding",
                  Script().send(
                      response(200, "application/json", gzip + "x", "Content-Encoding: gzip\r\n")),
                  json),
        answering("a stream in an unknown coding",
                  Script().send(sse_head("Content-Encoding: x-own\r\n") + chunk(gzip) + chunk("")),
                  stream),
        answering("a stream cut before its first event", Script().send(sse_head()).cut(), stream),
        answering("a stream reset before its first event", Script().send(sse_head()).reset(),
                  stream),
        answering("a stream that ends before its first event",
                  Script().send(sse_head() + chunk("")), stream),
        answering("a stream cut in its first event",
                  Script().send(sse_head() + chunk("data: {\"id\":\"chat")).cut(), stream),
        answering("a stream of comments, then cut",
                  Script().send(sse_head() + chunk(": processing\n\n")).cut(), stream),
        answering(
            "comments, then an error as the first event",
            Script()
                .send(sse_head() + chunk(": processing\n\n"))
                .pause(milliseconds(50))
                .send(chunk("data: " + provider_error("server_error", "502") + "\n\n") + chunk("")),
            stream),
        answering("an error as the first event",
                  Script().send(sse_head() +
                                chunk("data: " + provider_error("server_error", "x") + "\n\n") +
                                chunk("")),
                  stream),
        answering("an error as the first event, then [DONE]",
                  Script().send(sse_head() +
                                chunk("data: " + provider_error("InternalServerError", "500") +
                                      "\n\n" + std::string(done_event)) +
                                chunk("")),
                  stream),
        answering(
            "an overload as the first event",
            Script().send(sse_head() +
                          chunk("data: " + provider_error("overloaded_error", "529") + "\n\n") +
                          chunk("")),
            stream),
        answering("a legacy error line",
                  Script().send(sse_head() + chunk("error: {\"message\":\"out of memory\"}\n\n") +
                                chunk("")),
                  stream),
        answering("an error with status 200",
                  Script().send(json_response(200, provider_error("server_error", "x"))), stream),
    };
}

std::vector<Fault> statuses() {
    const auto status = [](int number, const FieldText& fields = {}) {
        return Script().send(json_response(number, provider_error("some_type", "some"), fields));
    };
    const auto html = [](int number) {
        return Script().send(response(number, "text/html", "<html>" + std::string(leak)));
    };
    return {
        refusing("401", status(401)),
        refusing("402", status(402)),
        refusing("403", status(403)),
        answering("429", status(429)),
        refusing("429, Retry-After", status(429, "Retry-After: 1\r\n")),
        refusing("429, a long Retry-After", status(429, "Retry-After: 86400\r\n")),
        refusing("429, retry-after-ms", status(429, "retry-after-ms: 1500\r\n")),
        refusing("insufficient_quota",
                 Script().send(json_response(
                     429, provider_error("insufficient_quota", "insufficient_quota")))),
        answering("500", status(500)),
        answering("500 of HTML", html(500)),
        answering("502", html(502)),
        answering("503", status(503)),
        answering("503, Retry-After", status(503, "Retry-After: 1\r\n")),
        answering("504", html(504)),
        answering("520", html(520)),
        answering("529", status(529)),
    };
}

std::vector<Fault> all_faults() {
    std::vector<Fault> all;
    for (const auto& group :
         {connection_faults(), nonsense(), silence(), cut_bodies(), statuses()}) {
        all.insert(all.end(), group.begin(), group.end());
    }
    return all;
}

enum class Beside { weighted, fallback, endpoint };

/// One fault with two upstreams, or two endpoints of one, of its own, so that no fault is seen
/// through what another has done to the health of an upstream.
struct Pair {
    explicit Pair(const Fault& fault, std::string number) : name(std::move(number)) {
        fault.arrange(first);
        sign(second, "second");
    }
    [[nodiscard]] std::string upstreams(Beside beside) const {
        const std::string impatient =
            "timeouts: {connect: 500ms, first_byte: 500ms, between_bytes: 500ms, total: 1500ms}";
        if (beside == Beside::endpoint) {
            return endpoints_line("up" + name, {first.base_url(), second.base_url()}, impatient);
        }
        return upstream_line("first" + name, first.base_url(), impatient) +
               upstream_line("second" + name, second.base_url());
    }
    [[nodiscard]] std::string model(Beside beside) const {
        const std::string start = "  m" + name + ": {route: [{upstream: ";
        switch (beside) {
            case Beside::weighted:
                return start + "first" + name + ", weight: 99}, {upstream: second" + name +
                       ", weight: 1}]}\n";
            case Beside::fallback:
                return start + "first" + name + "}], fallback: [{upstream: second" + name + "}]}\n";
            case Beside::endpoint: return start + "up" + name + "}]}\n";
        }
        return {};
    }
    [[nodiscard]] std::string second_name(Beside beside) const {
        return (beside == Beside::endpoint ? "up" : "second") + name;
    }

    std::string name;
    FakeUpstream first;
    FakeUpstream second;
};

class FailoverFaults : public testing::TestWithParam<Beside> {
protected:
    /// Asks until the faulty one was chosen first (by weight or balance the healthy one may be).
    void expect_survived(const Gateway& gateway, const Pair& pair, bool is_streaming) {
        std::int64_t attempts = 0;
        for (int i = 0; attempts != 2; ++i) {
            ASSERT_LT(i, 60) << "the faulty one was never chosen";
            const std::size_t first_before = count(pair.first);
            const std::size_t second_before = count(pair.second);
            const Response response =
                gateway.send(chat_request(alice_key, "m" + pair.name, is_streaming));
            expect_answer_of(response, "second", is_streaming);
            EXPECT_EQ(response.body.find(leak), std::string::npos);
            EXPECT_EQ(response.field("x-sluicegate-upstream"), pair.second_name(GetParam()));
            attempts = attempts_of(response);
            ASSERT_TRUE(attempts == 1 || attempts == 2) << attempts;
            EXPECT_LE(count(pair.first), first_before + 1);
            EXPECT_EQ(count(pair.second), second_before + 1);
            if (HasFailure()) return;
        }
    }
    void run(const std::vector<Fault>& faults, bool is_streaming) {
        const auto unwanted = is_streaming ? Fault::For::json : Fault::For::stream;
        std::vector<std::pair<const Fault*, std::unique_ptr<Pair>>> rows;
        std::string upstreams;
        std::string models;
        for (const Fault& fault : faults) {
            if (fault.kind == unwanted) continue;
            if (fault.is_of_account && GetParam() == Beside::endpoint) continue;
            auto pair = std::make_unique<Pair>(fault, std::to_string(rows.size()));
            upstreams += pair->upstreams(GetParam());
            models += pair->model(GetParam());
            rows.emplace_back(&fault, std::move(pair));
        }
        const Gateway gateway(routes_config(upstreams, models));
        for (const auto& [fault, pair] : rows) {
            SCOPED_TRACE(fault->name);
            expect_survived(gateway, *pair, is_streaming);
        }
    }
};

TEST_P(FailoverFaults, OfConnectionsAreSurvived) {
    run(connection_faults(), false);
    run(connection_faults(), true);
}

TEST_P(FailoverFaults, ThatAreNoAnswerAreSurvived) {
    run(nonsense(), false);
    run(nonsense(), true);
}

TEST_P(FailoverFaults, OfSilenceAreSurvived) {
    run(silence(), false);
    run(silence(), true);
}

TEST_P(FailoverFaults, InTheBodyAreSurvived) {
    run(cut_bodies(), false);
    run(cut_bodies(), true);
}

TEST_P(FailoverFaults, ToldByTheirStatusAreSurvived) {
    run(statuses(), false);
    run(statuses(), true);
}

TEST_P(FailoverFaults, LeakNoConnectionAndNoRequest) {
    std::string upstreams;
    std::string models;
    std::vector<std::unique_ptr<Pair>> pairs;
    for (const Fault& fault : all_faults()) {
        if (fault.is_of_account && GetParam() == Beside::endpoint) continue;
        pairs.push_back(std::make_unique<Pair>(fault, std::to_string(pairs.size())));
        upstreams += pairs.back()->upstreams(GetParam());
        models += pairs.back()->model(GetParam());
    }
    const Gateway gateway(routes_config(upstreams, models));
    for (const auto& pair : pairs) {
        const Response response = gateway.stream(alice_key, "m" + pair->name);
        EXPECT_TRUE(response.is_complete);
    }
    EXPECT_TRUE(eventually([&] { return metric(gateway, "sluicegate_requests_in_flight") == 0; }));
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_upstream_connections", {R"(state="active")"}) == 0;
    }));
}

INSTANTIATE_TEST_SUITE_P(Beside, FailoverFaults,
                         testing::Values(Beside::weighted, Beside::fallback, Beside::endpoint),
                         [](const auto& instance) {
                             switch (instance.param) {
                                 case Beside::weighted: return std::string("Weighted");
                                 case Beside::fallback: return std::string("Fallback");
                                 case Beside::endpoint: break;
                             }
                             return std::string("Endpoint");
                         });

}  // namespace
}  // namespace sluicegate::support
