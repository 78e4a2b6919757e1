#include "sluicegate/net/timed_stream.hpp"

#include "sluicegate/net/tls.hpp"

#include "net/certificates.hpp"
#include "net/manual_clock.hpp"
#include "net/raw_peer.hpp"
#include "net/running_task.hpp"
#include "net/tls_peer.hpp"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace sluicegate::net {
namespace {

using namespace std::chrono_literals;
using test::RunningTask;

constexpr Milliseconds one_tick = Deadlines::tick_length;

/// What neither end's socket takes at once.
const std::string long_text(8'000'000, 'x');

/// TCP tells the sender of free room in steps that grow with the receiver's buffer: a small one.
test::ConnectedPair narrow_tcp_pair(asio::io_context& context) {
    test::ConnectedPair pair = test::tcp_pair(context);
    const int bytes = 64 * 1024;
    ::setsockopt(pair.peer.descriptor(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return pair;
}

class TimedStreamTest : public testing::Test {
protected:
    void connect(test::ConnectedPair (*pair)(asio::io_context&) = test::unix_pair) {
        test::ConnectedPair connected = pair(context);
        stream.emplace(deadlines, std::move(connected.socket), nullptr);
        peer.emplace(std::move(connected.peer));
    }
    void pass(Milliseconds time) {
        clock.advance(time);
        deadlines.tick(clock.now());
        test::settle(context);
    }
    /// The peer reads at most so many bytes, and returns how many there were.
    std::size_t take(std::size_t most) const {
        std::string some(most, '\0');
        const auto size = ::recv(peer->descriptor(), some.data(), some.size(), MSG_DONTWAIT);
        EXPECT_GT(size, 0);
        return static_cast<std::size_t>(size);
    }
    RunningTask<Transferred> read(ReadLimits limits = {}) {
        return {context, stream->read_some(asio::buffer(into), limits)};
    }
    RunningTask<Transferred> write(const std::string& text, WriteLimits limits) {
        pieces = {asio::buffer(text)};
        return {context, stream->write(pieces, limits)};
    }

    /// Writes `pieces`; `other` is ready in the turn of the reactor in which the write begins.
    Transferred write_beside(std::function<void()> other) {
        Transferred written;
        const auto run = [](TimedStream& to, std::span<const asio::const_buffer> from,
                            Transferred& result) -> Task<void> {
            const WriteLimits limits{.progress = 1s};
            result = co_await to.write(from, limits);
        };
        net::spawn(context, run(*stream, pieces, written), "test");
        asio::post(context, std::move(other));
        context.run();
        return written;
    }

    asio::io_context context;
    test::ManualClock clock;
    Deadlines deadlines{clock.now()};
    std::optional<TimedStream> stream;
    std::optional<test::RawPeer> peer;
    std::string into = std::string(100, '\0');
    std::vector<asio::const_buffer> pieces;
};

TEST_F(TimedStreamTest, AReadEndsWithItsBytesOrAsThePeerEnds) {
    connect();
    auto first = read({.deadline = clock.now() + 10s});
    EXPECT_FALSE(first.is_done());
    peer->send("hello");
    const Transferred done = first.take();
    EXPECT_EQ(done.ended, Ended::done);
    EXPECT_EQ(into.substr(0, done.size), "hello");

    auto second = read({.deadline = clock.now() + 10s});
    peer->shutdown_send();
    EXPECT_EQ(second.take().ended, Ended::closed);
}

TEST_F(TimedStreamTest, AResetIsAFailureAndSaysWhich) {
    connect(test::tcp_pair);
    auto reading = read();
    peer->reset();
    const Transferred failed = reading.take();
    EXPECT_EQ(failed.ended, Ended::failed);
    EXPECT_EQ(failed.error.message(), "Connection reset by peer");
}

TEST_F(TimedStreamTest, AReadTimesOutAtItsDeadlineAndTheStreamStaysUsable) {
    connect();
    auto reading = read({.deadline = clock.now() + 10s});
    pass(9'999ms);
    EXPECT_FALSE(reading.is_done());
    pass(1ms + one_tick);
    ASSERT_TRUE(reading.is_done());
    EXPECT_EQ(reading.take().ended, Ended::timed_out);

    EXPECT_EQ(write("too late", {.progress = 1s}).take().ended, Ended::done);
    EXPECT_EQ(peer->received(), "too late");
}

TEST_F(TimedStreamTest, ADeadlineThatHasPassedAllowsNoRead) {
    connect();
    peer->send("bytes that came in time, but were asked for too late");
    auto reading = read({.deadline = clock.now()});
    EXPECT_EQ(reading.take().ended, Ended::timed_out);
}

TEST_F(TimedStreamTest, AReadThatIsWokenLosesNothing) {
    connect();
    for (int i = 0; i < 3; ++i) {
        auto reading = read({.deadline = clock.now() + 10s, .wake_at = clock.now() + 1s});
        pass(999ms);
        EXPECT_FALSE(reading.is_done());
        pass(1ms + one_tick);
        ASSERT_TRUE(reading.is_done());
        EXPECT_EQ(reading.take().ended, Ended::woken);
    }
    peer->send("hello");
    EXPECT_EQ(read().take().size, 5U);
    auto reading = read();
    EXPECT_FALSE(reading.is_done());
    stream->wake_read();
    EXPECT_EQ(reading.take().ended, Ended::woken);
}

TEST_F(TimedStreamTest, ADeadlineCanBeBroughtForwardWhileAReadWaits) {
    connect();
    auto reading = read({.deadline = clock.now() + 1h});
    stream->end_by(clock.now() + 2s);
    pass(1'999ms);
    EXPECT_FALSE(reading.is_done());
    pass(1ms + one_tick);
    EXPECT_EQ(reading.take().ended, Ended::timed_out);
}

TEST_F(TimedStreamTest, NoLimitIsLeftWhenAnOperationHasEnded) {
    connect();
    peer->send("a");
    EXPECT_EQ(read({.deadline = clock.now() + 1s, .wake_at = clock.now() + 1s}).take().size, 1U);
    pass(10s);
    auto reading = read();
    pass(10min);
    EXPECT_FALSE(reading.is_done());
    peer->send("b");
    EXPECT_EQ(reading.take().ended, Ended::done);
}

TEST_F(TimedStreamTest, CancelEndsWhatWaitsAndTellsTheFirstReason) {
    connect();
    auto reading = read();
    auto writing = write(long_text, {.progress = 1h});
    EXPECT_FALSE(writing.is_done());
    EXPECT_FALSE(stream->is_cancelled());
    stream->cancel(ErrorKind::client_gone);
    stream->cancel(ErrorKind::draining);
    EXPECT_EQ(reading.take().ended, Ended::cancelled);
    EXPECT_EQ(writing.take().ended, Ended::cancelled);
    EXPECT_EQ(stream->cancel_reason(), ErrorKind::client_gone);
    EXPECT_TRUE(peer->has_ended());
    EXPECT_EQ(read().take().ended, Ended::cancelled);
    EXPECT_EQ(write("x", {.progress = 1h}).take().ended, Ended::cancelled);
}

TEST_F(TimedStreamTest, PiecesLeaveBehindWhatIsReadyInTheSameTurn) {
    connect();
    const std::string head = "head ";
    const std::string body = "body";
    pieces = {asio::buffer(head), asio::const_buffer(), asio::buffer(body)};
    std::string sent_before = "not looked at";
    const Transferred written = write_beside([&] { sent_before = peer->received(); });
    EXPECT_EQ(sent_before, "");
    EXPECT_EQ(written.ended, Ended::done);
    EXPECT_EQ(written.size, 9U);
    EXPECT_EQ(peer->received(), "head body");
}

TEST_F(TimedStreamTest, AWriteIsWokenBeforeItsFirstByteToo) {
    connect();
    pieces = {asio::buffer(long_text)};
    const Transferred written = write_beside([&] { stream->wake_write(); });
    EXPECT_EQ(written.ended, Ended::woken);
    EXPECT_EQ(written.size, 0U);
    EXPECT_EQ(peer->received(), "");
}

TEST_F(TimedStreamTest, AWriteGoesOnAsLongAsThePeerTakesBytes) {
    for (const auto pair : {test::unix_pair, narrow_tcp_pair}) {
        connect(pair);
        auto writing = write(long_text, {.progress = 2s});
        pass(2 * one_tick);
        std::size_t got = 0;
        // In all, ten times as long as the peer may be silent.
        for (int i = 0; i < 20; ++i) {
            pass(1s);
            got += take(150'000);
        }
        EXPECT_FALSE(writing.is_done()) << "it reads slowly, but it reads";
        while (!writing.is_done()) got += peer->received().size();
        const Transferred written = writing.take();
        EXPECT_EQ(written.ended, Ended::done);
        EXPECT_EQ(written.size, long_text.size());
        EXPECT_EQ(got + peer->received().size(), long_text.size());
    }
}

TEST_F(TimedStreamTest, AWriteTimesOutWhenThePeerTakesNothing) {
    for (const auto pair : {test::unix_pair, narrow_tcp_pair}) {
        connect(pair);
        auto writing = write(long_text, {.progress = 2s});
        pass(2 * one_tick);
        pass(1s);
        take(200'000);
        pass(1s);
        for (int i = 0; i < 7; ++i) pass(250ms);
        EXPECT_FALSE(writing.is_done()) << "never before its time, counted from the last byte";
        for (int i = 0; i < 4; ++i) pass(250ms);
        ASSERT_TRUE(writing.is_done());
        const Transferred written = writing.take();
        EXPECT_EQ(written.ended, Ended::timed_out);
        EXPECT_GT(written.size, 0U);
        EXPECT_LT(written.size, long_text.size());
    }
}

TEST_F(TimedStreamTest, AWriteHasADeadlineOfItsOwnToo) {
    connect();
    auto writing = write(long_text, {.progress = 1h, .deadline = clock.now() + 3s});
    for (int i = 0; i < 29; ++i) {
        pass(100ms);
        static_cast<void>(peer->received());
    }
    EXPECT_FALSE(writing.is_done());
    pass(100ms + one_tick);
    EXPECT_EQ(writing.take().ended, Ended::timed_out);
}

TEST_F(TimedStreamTest, AWriteThatIsWokenEndsWhileTheStreamCanBeRead) {
    connect();
    auto writing = write(long_text, {.progress = 1h});
    peer->send("no");
    EXPECT_EQ(read().take().size, 2U);
    EXPECT_FALSE(writing.is_done());
    stream->wake_write();
    const Transferred written = writing.take();
    EXPECT_EQ(written.ended, Ended::woken);
    peer->send(" more");
    EXPECT_EQ(read().take().size, 5U);
}

TEST_F(TimedStreamTest, ReadsAndWritesAtTheSameTime) {
    connect();
    auto reading = read();
    auto writing = write(long_text, {.progress = 1h});
    EXPECT_FALSE(writing.is_done());
    peer->send("early");
    EXPECT_EQ(reading.take().size, 5U);
    EXPECT_FALSE(writing.is_done());
    std::size_t got = 0;
    while (!writing.is_done()) got += peer->received().size();
    EXPECT_EQ(writing.take().ended, Ended::done);
    EXPECT_EQ(got + peer->received().size(), long_text.size());
}

/// Calls `act` from the context, but only after `hops` other handlers of its own.
void post_later(asio::io_context& context, int hops, std::function<void()> act) {
    asio::post(context, [&context, hops, act = std::move(act)] {
        if (hops == 0) {
            act();
        } else {
            post_later(context, hops - 1, act);
        }
    });
}

class TimedTlsStreamTest : public TimedStreamTest {
protected:
    /// Connected, with the handshake done.
    void connect_tls() {
        test::ConnectedPair connected = test::unix_pair(context);
        stream.emplace(deadlines, std::move(connected.socket), tls.get());
        client.emplace(std::move(connected.peer));
        RunningTask<Transferred> accepting(context, stream->accept_tls(clock.now() + 10s));
        for (int i = 0; i < 10 && !(client->shake_hands() && accepting.is_done()); ++i) {
            test::settle(context);
        }
        ASSERT_EQ(accepting.take().ended, Ended::done);
    }
    /// A one_tick that comes `hops` handlers after a byte has made the socket readable: somewhere
    /// between two reads of the socket that belong to one read of the stream.
    void tick_in_the_middle(std::string_view byte, int hops) {
        client->raw().send(byte);
        clock.advance(one_tick);
        post_later(context, hops, [this] { deadlines.tick(clock.now()); });
        test::settle(context);
    }

    test::TemporaryFolder folder;
    test::Authority authority{folder, "authority"};
    TlsContext tls = [this] {
        const test::CertificateFiles files = authority.issue("usual", {});
        auto made =
            make_server_tls({.certificate_file = files.certificate, .private_key_file = files.key});
        EXPECT_TRUE(made);
        return *made;
    }();
    std::optional<test::TlsPeer> client;
};

TEST_F(TimedTlsStreamTest, ARecordThatTricklesAroundTheDeadlineDoesNotLiftIt) {
    for (int hops = 0; hops < 6; ++hops) {
        SCOPED_TRACE(hops);
        connect_tls();
        const std::string record = client->record_of("hello");
        auto reading = read({.deadline = clock.now() + one_tick});
        test::settle(context);
        tick_in_the_middle(record.substr(0, 1), hops);
        tick_in_the_middle(record.substr(1, 1), hops);
        for (std::size_t i = 2; i < 5 && !reading.is_done(); ++i) {
            tick_in_the_middle(record.substr(i, 1), hops);
        }
        ASSERT_TRUE(reading.is_done());
        EXPECT_EQ(reading.take().ended, Ended::timed_out);
    }
}

TEST_F(TimedTlsStreamTest, AWokenReadLosesNoByteOfARecord) {
    for (int hops = 0; hops < 6; ++hops) {
        SCOPED_TRACE(hops);
        connect_tls();
        const std::string record = client->record_of("hello");
        std::size_t sent = 0;
        for (int round = 0; round < 3; ++round) {
            auto reading = read({.wake_at = clock.now() + one_tick});
            test::settle(context);
            while (sent < record.size() - 1 && !reading.is_done()) {
                tick_in_the_middle(record.substr(sent++, 1), hops);
            }
            ASSERT_TRUE(reading.is_done());
            EXPECT_EQ(reading.take().ended, Ended::woken);
        }
        client->raw().send(std::string_view(record).substr(sent));
        const Transferred whole = read().take();
        EXPECT_EQ(into.substr(0, whole.size), "hello");
    }
}

TEST_F(TimedTlsStreamTest, ATimedOutReadLeavesAStreamThatCanTellWhy) {
    connect_tls();
    auto reading = read({.deadline = clock.now() + 1s});
    pass(1s + one_tick);
    EXPECT_EQ(reading.take().ended, Ended::timed_out);
    EXPECT_EQ(write("408", {.progress = 1s}).take().ended, Ended::done);
    EXPECT_EQ(client->received(), "408");
}

TEST_F(TimedTlsStreamTest, AHandshakeThatTricklesEndsAtItsDeadline) {
    test::ConnectedPair connected = test::unix_pair(context);
    stream.emplace(deadlines, std::move(connected.socket), tls.get());
    client.emplace(std::move(connected.peer));
    RunningTask<Transferred> accepting(context, stream->accept_tls(clock.now() + 1s));
    for (int i = 0; i < 9; ++i) {
        client->raw().send("\x16");
        pass(100ms);
    }
    pass(100ms + 2 * one_tick);
    ASSERT_TRUE(accepting.is_done());
    EXPECT_NE(accepting.take().ended, Ended::done);
}

TEST_F(TimedTlsStreamTest, AWriteIsBoundByProgress) {
    connect_tls();
    auto writing = write(long_text, {.progress = 2s});
    pass(2 * one_tick);
    std::size_t got = 0;
    for (int i = 0; i < 10; ++i) {
        pass(1s);
        ASSERT_FALSE(writing.is_done()) << "it reads slowly, but it reads";
        got += client->received().size();
    }
    EXPECT_GT(got, 0U);
    for (int i = 0; i < 20; ++i) pass(250ms);
    ASSERT_TRUE(writing.is_done());
    EXPECT_EQ(writing.take().ended, Ended::timed_out);
}

}  // namespace
}  // namespace sluicegate::net
