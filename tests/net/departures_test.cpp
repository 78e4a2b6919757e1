#include "sluicegate/net/departures.hpp"

#include "net/raw_peer.hpp"
#include "net/running_task.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <sys/socket.h>
#include <vector>

namespace sluicegate::net {
namespace {

using test::ConnectedPair;
using test::RawPeer;

/// A watched connection that counts how often its departure was told.
struct Watched {
    explicit Watched(ConnectedPair pair)
        : socket(std::move(pair.socket)), peer(std::move(pair.peer)) {}

    void start(Departures& departures) { watch.start(departures, socket.native_handle()); }
    static void departed(void* self) noexcept { ++static_cast<Watched*>(self)->told; }

    int told = 0;
    Departures::Watch watch{this, &Watched::departed};
    Socket socket;
    RawPeer peer;
};

struct Row {
    const char* name;
    ConnectedPair (*connect)(asio::io_context&);
    void (*act)(RawPeer&);
    bool is_departure;
};

TEST(Departures, AreToldOnceAndNothingElseIs) {
    const std::vector<Row> rows{
        {"silent", test::tcp_pair, [](RawPeer&) {}, false},
        {"sends", test::tcp_pair, [](RawPeer& peer) { peer.send("more"); }, false},
        {"half closed", test::tcp_pair, [](RawPeer& peer) { peer.shutdown_send(); }, true},
        {"sends and half closes", test::tcp_pair,
         [](RawPeer& peer) {
             peer.send("more");
             peer.shutdown_send();
         },
         true},
        {"closed", test::tcp_pair, [](RawPeer& peer) { peer.close(); }, true},
        {"reset", test::tcp_pair, [](RawPeer& peer) { peer.reset(); }, true},
        {"Unix socket, silent", test::unix_pair, [](RawPeer&) {}, false},
        {"Unix socket, half closed", test::unix_pair, [](RawPeer& peer) { peer.shutdown_send(); },
         true},
        {"Unix socket, closed", test::unix_pair, [](RawPeer& peer) { peer.close(); }, true},
    };
    asio::io_context context;
    Departures departures(context);
    std::vector<std::unique_ptr<Watched>> all;
    for (const Row& row : rows) {
        all.push_back(std::make_unique<Watched>(row.connect(context)));
        all.back()->start(departures);
    }
    test::settle(context);
    for (const auto& watched : all) EXPECT_EQ(watched->told, 0);

    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].act(all[i]->peer);
    for (int round = 0; round < 3; ++round) {
        test::settle(context);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            SCOPED_TRACE(rows[i].name);
            EXPECT_EQ(all[i]->told, rows[i].is_departure ? 1 : 0);
        }
    }
}

TEST(Departures, BytesSentAheadDoNotWakeTheReactor) {
    asio::io_context context;
    Departures departures(context);
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const RawPeer here(ends[0]);  // unknown to the reactor but for the watch
    RawPeer there(ends[1]);
    int told = 0;
    Departures::Watch watch(&told, [](void* count) noexcept { ++*static_cast<int*>(count); });
    watch.start(departures, here.descriptor());
    test::settle(context);
    for (int i = 0; i < 10; ++i) {
        there.send("GET / HTTP/1.1\r\n");
        context.restart();
        EXPECT_EQ(context.poll(), 0U) << "no handler has anything to do";
    }
    there.shutdown_send();
    test::settle(context);
    EXPECT_EQ(told, 1);
}

TEST(Departures, AreNotToldOfAConnectionThatIsNotWatched) {
    asio::io_context context;
    Departures departures(context);
    Watched stopped(test::unix_pair(context));
    auto destroyed = std::make_unique<Watched>(test::unix_pair(context));
    Watched kept(test::unix_pair(context));
    for (Watched* watched : {&stopped, destroyed.get(), &kept}) {
        watched->start(departures);
        watched->peer.close();
    }
    stopped.watch.stop();
    destroyed.reset();
    test::settle(context);
    EXPECT_EQ(stopped.told, 0);
    EXPECT_EQ(kept.told, 1);
}

TEST(Departures, OneBetweenTwoWatchesIsToldWhenTheNextBegins) {
    asio::io_context context;
    Departures departures(context);
    Watched watched(test::unix_pair(context));
    watched.start(departures);
    watched.watch.stop();
    watched.peer.close();
    test::settle(context);
    EXPECT_EQ(watched.told, 0);
    watched.start(departures);
    EXPECT_EQ(watched.told, 1);
    watched.start(departures);
    EXPECT_EQ(watched.told, 2) << "once for each start";
}

TEST(Departures, OneBeforeTheFirstWatchIsTold) {
    asio::io_context context;
    Departures departures(context);
    Watched watched(test::tcp_pair(context));
    watched.peer.close();
    watched.start(departures);
    test::settle(context);
    EXPECT_EQ(watched.told, 1);
}

TEST(Departures, ManyAtOnceAreAllTold) {
    asio::io_context context;
    Departures departures(context);
    std::vector<std::unique_ptr<Watched>> all;
    for (int i = 0; i < 200; ++i) {
        all.push_back(std::make_unique<Watched>(test::unix_pair(context)));
        all.back()->start(departures);
    }
    for (const auto& watched : all) watched->peer.close();
    test::settle(context);
    for (const auto& watched : all) EXPECT_EQ(watched->told, 1);
}

TEST(Departures, TheOneWhoIsToldMayCloseTheSocket) {
    asio::io_context context;
    Departures departures(context);
    struct Closer {
        explicit Closer(Socket its_socket) : socket(std::move(its_socket)) {}
        static void close(void* self) noexcept {
            ErrorCode ignored;
            static_cast<Closer*>(self)->socket.close(ignored);
        }
        Departures::Watch watch{this, &Closer::close};
        Socket socket;
    };
    ConnectedPair first = test::unix_pair(context);
    ConnectedPair second = test::unix_pair(context);
    Closer one(std::move(first.socket));
    Closer two(std::move(second.socket));
    for (Closer* closer : {&one, &two}) {
        closer->watch.start(departures, closer->socket.native_handle());
    }
    first.peer.close();
    second.peer.close();
    test::settle(context);
    EXPECT_FALSE(one.socket.is_open());
    EXPECT_FALSE(two.socket.is_open());
}

TEST(Departures, CloseLetsTheContextEnd) {
    asio::io_context context;
    Departures departures(context);
    departures.close();
    context.run();
    EXPECT_TRUE(context.stopped());
}

}  // namespace
}  // namespace sluicegate::net
