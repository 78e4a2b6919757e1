#include "sluicegate/net/hangup_watch.hpp"

#include "net/raw_peer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace sluicegate::net {
namespace {

using test::ConnectedPair;
using test::RawPeer;

/// A watched connection that counts how often it was said to have gone.
struct Watched {
    explicit Watched(ConnectedPair pair)
        : socket(std::move(pair.socket)), peer(std::move(pair.peer)) {}

    static void departed(void* self) noexcept { ++static_cast<Watched*>(self)->gone; }

    Socket socket;
    RawPeer peer;
    int gone = 0;
    HangupWatch::Entry entry{this, &Watched::departed};
};

struct Row {
    const char* name;
    ConnectedPair (*connect)(asio::io_context&);
    void (*act)(RawPeer&);
    bool is_gone;
};

TEST(HangupWatch, TellsWhoHasLeftAndNobodyElse) {
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
    HangupWatch watch;
    std::vector<std::unique_ptr<Watched>> all;
    for (const Row& row : rows) {
        all.push_back(std::make_unique<Watched>(row.connect(context)));
        all.back()->entry.start(watch, all.back()->socket.native_handle());
    }
    watch.poll();
    for (const auto& watched : all) EXPECT_EQ(watched->gone, 0);

    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].act(all[i]->peer);
    for (int round = 0; round < 3; ++round) {
        watch.poll();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            SCOPED_TRACE(rows[i].name);
            EXPECT_EQ(all[i]->gone, rows[i].is_gone ? 1 : 0) << "told once, not at each poll";
        }
    }
}

TEST(HangupWatch, ForgetsAnEntryThatWasStoppedOrDestroyed) {
    asio::io_context context;
    HangupWatch watch;
    Watched stopped(test::unix_pair(context));
    auto destroyed = std::make_unique<Watched>(test::unix_pair(context));
    Watched kept(test::unix_pair(context));
    for (Watched* watched : {&stopped, destroyed.get(), &kept}) {
        watched->entry.start(watch, watched->socket.native_handle());
        watched->peer.close();
    }
    stopped.entry.stop();
    destroyed.reset();
    watch.poll();
    EXPECT_EQ(stopped.gone, 0);
    EXPECT_EQ(kept.gone, 1);
}

TEST(HangupWatch, WatchesAgainAfterANewStart) {
    asio::io_context context;
    HangupWatch watch;
    Watched watched(test::unix_pair(context));
    watched.entry.start(watch, watched.socket.native_handle());
    watched.entry.start(watch, watched.socket.native_handle());
    watched.peer.close();
    watch.poll();
    EXPECT_EQ(watched.gone, 1) << "an entry that is started twice stands in the list once";
    watched.entry.start(watch, watched.socket.native_handle());
    watch.poll();
    EXPECT_EQ(watched.gone, 2);
}

TEST(HangupWatch, ACallbackMayCloseItsSocket) {
    asio::io_context context;
    HangupWatch watch;
    struct Closer {
        Socket socket;
        static void close(void* self) noexcept {
            ErrorCode ignored;
            static_cast<Closer*>(self)->socket.close(ignored);
        }
        HangupWatch::Entry entry{this, &Closer::close};
    };
    ConnectedPair first = test::unix_pair(context);
    ConnectedPair second = test::unix_pair(context);
    Closer one{std::move(first.socket)};
    Closer two{std::move(second.socket)};
    for (Closer* closer : {&one, &two}) closer->entry.start(watch, closer->socket.native_handle());
    first.peer.close();
    second.peer.close();
    watch.poll();
    EXPECT_FALSE(one.socket.is_open());
    EXPECT_FALSE(two.socket.is_open());
    watch.poll();
}

}  // namespace
}  // namespace sluicegate::net
