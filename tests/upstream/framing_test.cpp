#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sluicegate::upstream {
namespace {

using test::Rig;
using test::RunningTask;

std::string interim(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
    return text;
}

enum class Then { stays, ends, resets };

struct Row {
    const char* name;
    std::string answer;
    Then then = Then::stays;
    std::string body = {};
    std::optional<ErrorKind> error = std::nullopt;
    bool is_reused = false;
};

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "transfer-encoding: chunked\r\n\r\n";

const std::vector<Row>& rows() {
    static const std::vector<Row> all{
        {.name = "a length",
         .answer = ok + "content-length: 5\r\n\r\nhello",
         .body = "hello",
         .is_reused = true},
        {.name = "a length of 0", .answer = ok + "content-length: 0\r\n\r\n", .is_reused = true},
        {.name = "204", .answer = "HTTP/1.1 204 No Content\r\n\r\n", .is_reused = true},
        {.name = "an error status",
         .answer = "HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno",
         .body = "no",
         .is_reused = true},
        {.name = "chunks",
         .answer = chunked + "5\r\nhello\r\n3;a=\"b\"\r\n wo\r\n003\r\nrld\r\n0\r\n\r\n",
         .body = "hello world",
         .is_reused = true},
        {.name = "chunks and trailers",
         .answer = chunked + "2\r\nhi\r\n0\r\nx-checksum: 1\r\ny: 2\r\n\r\n",
         .body = "hi",
         .is_reused = true},
        {.name = "no chunk but the last", .answer = chunked + "0\r\n\r\n", .is_reused = true},
        {.name = "until the end",
         .answer = ok + "\r\nall there is",
         .then = Then::ends,
         .body = "all there is"},
        {.name = "nothing until the end", .answer = ok + "\r\n", .then = Then::ends},
        {.name = "HTTP/1.0",
         .answer = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
         .body = "hi"},
        {.name = "HTTP/1.0 that stays",
         .answer = "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi",
         .body = "hi",
         .is_reused = true},
        {.name = "connection: close",
         .answer = ok + "connection: close\r\ncontent-length: 2\r\n\r\nhi",
         .body = "hi"},
        {.name = "stray bytes after a length",
         .answer = ok + "content-length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n",
         .body = "hi"},
        {.name = "stray bytes after no body", .answer = ok + "content-length: 0\r\n\r\nx"},
        {.name = "stray bytes after 204", .answer = "HTTP/1.1 204 No Content\r\n\r\nx"},
        {.name = "stray bytes after chunks",
         .answer = chunked + "2\r\nhi\r\n0\r\n\r\nx",
         .body = "hi"},
        {.name = "one interim answer",
         .answer = interim(1) + ok + "content-length: 2\r\n\r\nhi",
         .body = "hi",
         .is_reused = true},
        {.name = "eight interim answers",
         .answer = interim(8) + ok + "content-length: 2\r\n\r\nhi",
         .body = "hi",
         .is_reused = true},
        {.name = "nine interim answers",
         .answer = interim(9) + ok + "content-length: 2\r\n\r\nhi",
         .error = ErrorKind::upstream_bad_response},
        {.name = "101",
         .answer = "HTTP/1.1 101 Switching\r\n\r\n",
         .error = ErrorKind::upstream_bad_response},
        {.name = "not HTTP", .answer = "SSH-2.0-x\r\n", .error = ErrorKind::upstream_bad_response},
        {.name = "length and chunks",
         .answer = ok + "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
         .error = ErrorKind::upstream_bad_response},
        {.name = "two lengths",
         .answer = ok + "content-length: 2\r\ncontent-length: 3\r\n\r\nhi",
         .error = ErrorKind::upstream_bad_response},
        {.name = "a chunk without a size",
         .answer = chunked + "\r\nhi",
         .error = ErrorKind::upstream_bad_response},
        {.name = "a chunk longer than its size",
         .answer = chunked + "2\r\nhello\r\n",
         .error = ErrorKind::upstream_bad_response},
        {.name = "a head without end",
         .answer = ok + "x: " + std::string(33 * 1024, 'x'),
         .error = ErrorKind::upstream_bad_response},
        {.name = "no answer",
         .answer = "",
         .then = Then::ends,
         .error = ErrorKind::upstream_closed},
        {.name = "cut in the head",
         .answer = ok + "content-le",
         .then = Then::ends,
         .error = ErrorKind::upstream_closed},
        {.name = "cut after an interim answer",
         .answer = interim(1),
         .then = Then::ends,
         .error = ErrorKind::upstream_closed},
        {.name = "cut before the length",
         .answer = ok + "content-length: 9\r\n\r\nhello",
         .then = Then::ends,
         .error = ErrorKind::upstream_closed},
        {.name = "cut in a chunk",
         .answer = chunked + "9\r\nhello",
         .then = Then::ends,
         .error = ErrorKind::upstream_closed},
        {.name = "cut before the last chunk",
         .answer = chunked + "5\r\nhello\r\n",
         .then = Then::ends,
         .error = ErrorKind::upstream_closed},
        {.name = "cut in the last chunk",
         .answer = chunked + "5\r\nhello\r\n0\r\n",
         .then = Then::ends,
         .error = ErrorKind::upstream_closed},
        {.name = "reset before the end",
         .answer = ok + "\r\nhello",
         .then = Then::resets,
         .error = ErrorKind::upstream_closed},
    };
    return all;
}

/// Sends the answer in pieces that end at `cuts`, and holds the outcome against the row.
void check(const Row& row, std::vector<std::size_t> cuts) {
    const bool is_whole = cuts.empty();
    Rig rig;
    if (row.then == Then::resets) rig.connect = test::tcp_pair;
    {
        Exchange exchange(rig.pool(), rig.clock.now());
        RunningTask<Result<std::string>> task(rig.context, test::fetch(exchange, true));
        ASSERT_FALSE(task.is_done());
        cuts.push_back(row.answer.size());
        std::size_t sent = 0;
        for (const std::size_t cut : cuts) {
            rig.peers[0].send(std::string_view(row.answer).substr(sent, cut - sent));
            sent = cut;
            test::settle(rig.context);
        }
        if (row.then == Then::ends) rig.peers[0].shutdown_send();
        if (row.then == Then::resets) rig.peers[0].reset();
        const Result<std::string> body = task.take();
        ASSERT_EQ(body.has_value(), !row.error.has_value()) << (body ? *body : body.error().detail);
        if (body) {
            EXPECT_EQ(*body, row.body);
            EXPECT_EQ(exchange.is_delimited(), row.then != Then::ends);
        } else {
            EXPECT_EQ(body.error().kind, *row.error);
            EXPECT_TRUE(body.error().detail.starts_with("provider: ")) << body.error().detail;
        }
    }
    EXPECT_EQ(rig.connections("active"), 0);
    // Stray bytes that come later are seen when the connection is taken again: pool_test.cpp.
    if (!is_whole) return;
    EXPECT_EQ(rig.connections("idle"), row.is_reused ? 1 : 0);
    if (row.then != Then::resets) {
        EXPECT_EQ(rig.peers[0].has_ended(), !row.is_reused);
    }
}

TEST(ExchangeFraming, GivesTheBodyOrTheErrorAndReusesOnlyCleanConnections) {
    for (const Row& row : rows()) {
        SCOPED_TRACE(row.name);
        check(row, {});
    }
}

TEST(ExchangeFraming, DoesNotDependOnHowTheAnswerWasSplit) {
    for (const Row& row : rows()) {
        SCOPED_TRACE(row.name);
        // A refused answer may be refused before its last byte.
        if (row.error || row.answer.size() > 1000) continue;
        for (std::size_t cut = 1; cut < row.answer.size(); ++cut) {
            SCOPED_TRACE(cut);
            check(row, {cut});
        }
    }
}

TEST(ExchangeFraming, DoesNotDependOnSplitsOfLongChunkedAnswers) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        std::string body;
        std::string answer = chunked;
        for (int i = 0; i < 60; ++i) {
            std::string chunk(1 + random() % (random() % 8 == 0 ? 40'000 : 200), '\0');
            for (char& byte : chunk) byte = static_cast<char>(random() % 256);
            char size[20];
            std::snprintf(size, sizeof size, "%zX\r\n", chunk.size());
            answer += size + chunk + "\r\n";
            body += chunk;
        }
        answer += "0\r\n\r\n";

        Rig rig;
        Exchange exchange(rig.pool(), rig.clock.now());
        RunningTask<Result<std::string>> task(rig.context, test::fetch(exchange, true));
        for (std::size_t at = 0; at < answer.size();) {
            const std::size_t size =
                std::min<std::size_t>(1 + random() % 30'000, answer.size() - at);
            rig.peers[0].send(std::string_view(answer).substr(at, size));
            test::settle(rig.context);
            at += size;
        }
        const Result<std::string> got = task.take();
        ASSERT_TRUE(got);
        EXPECT_TRUE(*got == body);
    }
}

class ExchangeBody : public testing::Test {
protected:
    void start(const std::string& answer) {
        ASSERT_TRUE(rig.open(exchange, true));
        ASSERT_TRUE(rig.send(exchange));
        rig.peers[0].send(answer);
        ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
    }
    Result<Arrival> receive(std::size_t most = 1000) {
        return test::run(rig.context, exchange.receive_body(most));
    }

    Rig rig;
    Exchange exchange{rig.pool(), rig.clock.now()};
};

TEST_F(ExchangeBody, IsEmptyUntilItIsReceived) {
    start(ok + "content-length: 5\r\n\r\nhello");
    EXPECT_EQ(exchange.body(), "");
    EXPECT_FALSE(exchange.is_complete());
    EXPECT_EQ(exchange.head().status, 200U);
    EXPECT_EQ(exchange.head().fields.find("content-length"), "5");
    ASSERT_TRUE(receive());
    EXPECT_EQ(exchange.body(), "hello");
    EXPECT_TRUE(exchange.is_complete());
}

TEST_F(ExchangeBody, KeepsWhatWasNotConsumed) {
    start(chunked + "5\r\nhello\r\n");
    ASSERT_TRUE(receive());
    EXPECT_EQ(exchange.body(), "hello");
    exchange.consume(2);
    EXPECT_EQ(exchange.body(), "llo");
    rig.peers[0].send("6\r\n world\r\n");
    ASSERT_TRUE(receive());
    EXPECT_EQ(exchange.body(), "llo world");
    rig.peers[0].send("0\r\n\r\n");
    ASSERT_TRUE(receive());
    EXPECT_TRUE(exchange.is_complete());
    EXPECT_EQ(exchange.body(), "llo world");
    ASSERT_TRUE(receive()) << "nothing is left to wait for";
    EXPECT_EQ(exchange.body(), "llo world");
}

TEST_F(ExchangeBody, DoesNotReadOnWhileTheBoundIsReached) {
    start(chunked + "5\r\nhello\r\n");
    ASSERT_TRUE(receive(5));
    ASSERT_TRUE(receive(5)) << "full: it must not wait for more";
    EXPECT_EQ(exchange.body(), "hello");
    exchange.consume(5);
    rig.peers[0].send("2\r\nhi\r\n");
    ASSERT_TRUE(receive(5));
    EXPECT_EQ(exchange.body(), "hi");
}

TEST_F(ExchangeBody, WaitsForPayloadAndNotForFraming) {
    start(chunked);
    test::RunningTask<Result<Arrival>> task(rig.context, exchange.receive_body(1000));
    for (const char* piece : {"5", ";name=value\r", "\n"}) {
        rig.peers[0].send(piece);
        EXPECT_FALSE(task.is_done());
    }
    rig.peers[0].send("h");
    EXPECT_TRUE(task.is_done());
    EXPECT_EQ(exchange.body(), "h");
}

TEST_F(ExchangeBody, HasNoneInAnAnswerToHead) {
    ASSERT_TRUE(rig.open(exchange, true));
    ASSERT_TRUE(rig.send(exchange, "request", http::Method::head));
    rig.peers[0].send(ok + "content-length: 5\r\n\r\n");
    ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
    EXPECT_TRUE(exchange.is_complete());
}

}  // namespace
}  // namespace sluicegate::upstream
