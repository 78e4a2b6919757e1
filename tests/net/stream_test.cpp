#include "sluicegate/net/stream.hpp"

#include "net/raw_peer.hpp"
#include "net/running_task.hpp"

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::net {
namespace {

using test::RunningTask;

struct Connected {
    explicit Connected(test::ConnectedPair pair)
        : stream(std::move(pair.socket), nullptr), peer(std::move(pair.peer)) {}
    Stream stream;
    test::RawPeer peer;
};

TEST(Stream, ReadsWhatIsThereAndThenTheEnd) {
    asio::io_context context;
    Connected connected(test::unix_pair(context));
    std::string into(100, '\0');
    RunningTask<Transfer> read(context, connected.stream.read_some(asio::buffer(into)));
    EXPECT_FALSE(read.is_done());
    connected.peer.send("hello");
    connected.peer.shutdown_send();
    EXPECT_EQ(read.take(), Transfer(ErrorCode(), 5));
    EXPECT_EQ(into.substr(0, 5), "hello");
    const auto [error, size] = test::run(context, connected.stream.read_some(asio::buffer(into)));
    EXPECT_EQ(error, asio::error::eof);
    EXPECT_EQ(size, 0U);
}

TEST(Stream, WritesPiecesInOrderHoweverSlowlyThePeerReads) {
    asio::io_context context;
    Connected connected(test::unix_pair(context));
    const std::string first = "head ";
    const std::string long_one(1'000'000, 'x');
    const std::string last = " tail";
    const std::vector<asio::const_buffer> pieces{asio::buffer(first), asio::buffer(long_one),
                                                 asio::const_buffer(), asio::buffer(last)};
    RunningTask<Transfer> write(context, connected.stream.write(pieces));
    EXPECT_FALSE(write.is_done()) << "more than the socket takes";
    std::string got;
    for (int i = 0; i < 10'000 && !write.is_done(); ++i) got += connected.peer.received();
    EXPECT_EQ(write.take(), Transfer(ErrorCode(), 1'000'010));
    got += connected.peer.received();
    EXPECT_EQ(got, first + long_one + last);
}

TEST(Stream, IsQuietUntilAnythingArrives) {
    struct Row {
        const char* name;
        void (*act)(test::RawPeer&);
        bool is_quiet;
    };
    const std::vector<Row> rows{
        {"nothing", [](test::RawPeer&) {}, true},
        {"a stray byte", [](test::RawPeer& peer) { peer.send("x"); }, false},
        {"the end", [](test::RawPeer& peer) { peer.shutdown_send(); }, false},
        {"closed", [](test::RawPeer& peer) { peer.close(); }, false},
        {"a reset", [](test::RawPeer& peer) { peer.reset(); }, false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        asio::io_context context;
        Connected connected(test::tcp_pair(context));
        EXPECT_TRUE(connected.stream.is_quiet());
        row.act(connected.peer);
        EXPECT_EQ(connected.stream.is_quiet(), row.is_quiet);
        EXPECT_EQ(connected.stream.is_quiet(), row.is_quiet) << "asking takes nothing away";
    }
}

TEST(Stream, IsNotQuietOnceItIsClosed) {
    asio::io_context context;
    Connected connected(test::unix_pair(context));
    connected.stream.close();
    EXPECT_FALSE(connected.stream.is_open());
    EXPECT_FALSE(connected.stream.is_quiet());
}

TEST(Stream, CancelEndsTheReadAndKeepsTheStreamUsable) {
    asio::io_context context;
    Connected connected(test::unix_pair(context));
    std::string into(100, '\0');
    RunningTask<Transfer> read(context, connected.stream.read_some(asio::buffer(into)));
    EXPECT_FALSE(read.is_done());
    connected.stream.cancel();
    EXPECT_EQ(std::get<0>(read.take()), asio::error::operation_aborted);

    EXPECT_TRUE(connected.stream.is_open());
    const std::vector<asio::const_buffer> pieces{asio::const_buffer("late", 4)};
    EXPECT_FALSE(std::get<0>(test::run(context, connected.stream.write(pieces))));
    EXPECT_EQ(connected.peer.received(), "late");
    connected.peer.send("answer");
    EXPECT_EQ(test::run(context, connected.stream.read_some(asio::buffer(into))),
              Transfer(ErrorCode(), 6));
}

TEST(Stream, CloseEndsWhatWaits) {
    asio::io_context context;
    Connected connected(test::unix_pair(context));
    std::string into(100, '\0');
    RunningTask<Transfer> read(context, connected.stream.read_some(asio::buffer(into)));
    const std::string long_one(1'000'000, 'x');
    const std::vector<asio::const_buffer> pieces{asio::buffer(long_one)};
    RunningTask<Transfer> write(context, connected.stream.write(pieces));
    EXPECT_FALSE(read.is_done());
    EXPECT_FALSE(write.is_done());
    connected.stream.close();
    EXPECT_TRUE(std::get<0>(read.take()));
    EXPECT_TRUE(std::get<0>(write.take()));
    EXPECT_TRUE(connected.peer.has_ended());
}

TEST(Stream, ShutdownSendShowsAnEndAndGoesOnReading) {
    asio::io_context context;
    Connected connected(test::tcp_pair(context));
    connected.stream.shutdown_send();
    EXPECT_TRUE(connected.peer.has_ended());
    connected.peer.send("still talking");
    std::string into(100, '\0');
    EXPECT_EQ(test::run(context, connected.stream.read_some(asio::buffer(into))),
              Transfer(ErrorCode(), 13));
}

TEST(Stream, AbortIsSeenAsAResetAndCloseAsAnEnd) {
    asio::io_context context;
    Connected aborted(test::tcp_pair(context));
    aborted.stream.abort();
    EXPECT_TRUE(aborted.peer.was_reset());
    Connected closed(test::tcp_pair(context));
    closed.stream.close();
    EXPECT_TRUE(closed.peer.has_ended());
    EXPECT_FALSE(closed.peer.was_reset());
}

TEST(Stream, PeerAddressIsMappedIntoIpv6) {
    asio::io_context context;
    test::ConnectedPair tcp = test::tcp_pair(context);
    const AddressBytes mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1};
    EXPECT_EQ(peer_address(tcp.socket), mapped);
    test::ConnectedPair unix_sockets = test::unix_pair(context);
    EXPECT_EQ(peer_address(unix_sockets.socket), AddressBytes{});
}

}  // namespace
}  // namespace sluicegate::net
