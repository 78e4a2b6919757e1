#include "sluicegate/worker/worker.hpp"

#include "sluicegate/net/spawn.hpp"

#include "net/raw_peer.hpp"
#include "worker/minimal_snapshot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluicegate::worker {
namespace {

using namespace std::chrono_literals;
using test::minimal_snapshot;
using test::RawPeer;

/// Far more than anything here takes: only a test that hangs meets it.
constexpr std::chrono::seconds patience{20};

/// Counts what happens on the worker's thread, for the test to wait for.
class Tally {
public:
    void add() {
        const std::scoped_lock lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    [[nodiscard]] bool reaches(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return count_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

/// Waits until the other side has closed or said something.
[[nodiscard]] bool hears_something(const RawPeer& peer) {
    pollfd polled{.fd = peer.descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&polled, 1, std::chrono::milliseconds(patience).count()) == 1;
}

/// A worker on a thread of its own, whose path and log are the test's.
class WorkerTest : public testing::Test {
protected:
    ~WorkerTest() override { stop(); }

    void stop() {
        if (!thread.joinable()) return;
        worker->stop();
        thread.join();
    }

    void make(Path path, std::function<void(std::string_view)> write_lines,
              std::shared_ptr<const Snapshot> snapshot) {
        worker = std::make_unique<Worker>(Worker::Shared{.clock = clock,
                                                         .limiter = limiter,
                                                         .output_estimates = output_estimates,
                                                         .registry = registry,
                                                         .places = places,
                                                         .addresses = addresses,
                                                         .load = load,
                                                         .memory = memory,
                                                         .write_lines = std::move(write_lines)},
                                          std::move(path));
        worker->adopt(std::move(snapshot));
    }
    void start(Path path, std::function<void(std::string_view)> write_lines,
               std::shared_ptr<const Snapshot> snapshot) {
        make(std::move(path), std::move(write_lines), std::move(snapshot));
        auto socket = net::ListeningSocket::open("127.0.0.1", 0, net::Sharing::first);
        ASSERT_TRUE(socket);
        port = socket->port();
        std::vector<net::ListeningSocket> sockets;
        sockets.push_back(std::move(*socket));
        worker->listen(std::move(sockets));
        thread = std::thread([this] { worker->run(); });
    }
    RawPeer connect() { return test::connect_to(port); }
    void swap(std::shared_ptr<const Snapshot> snapshot) {
        std::promise<void> swapped;
        worker->swap(std::move(snapshot), [&swapped] { swapped.set_value(); });
        ASSERT_EQ(swapped.get_future().wait_for(patience), std::future_status::ready);
    }

    SystemClock clock;
    limit::Limiter limiter{{.window = 1min, .slots = 1024}};
    limit::OutputEstimates output_estimates;
    metrics::Registry registry;
    client::ConnectionPlaces places{100};
    client::AddressTable addresses{100};
    MemoryBudget memory{std::size_t{1} << 30};
    Load load{memory, places};
    std::unique_ptr<Worker> worker;
    std::uint16_t port = 0;
    std::thread thread;
    const std::uint64_t escaped_before = net::escaped_exceptions();
};

net::Task<void> throw_exception() {
    throw std::runtime_error("on purpose");
    co_return;
}

net::Task<void> read_one(client::Connection& connection, Tally& timeouts) {
    connection.read_within(1ms);
    const auto read = co_await connection.read_more(1);
    if (!read && read.error().kind == ErrorKind::request_timeout) timeouts.add();
}

TEST_F(WorkerTest, ServesTheNextConnectionAfterOneWhosePathThrows) {
    std::atomic<int> served{0};
    const Path path = [&](Context&, client::Connection&) -> net::Task<void> {
        // The first throws before there is a task, the second inside it.
        const int index = served++;
        if (index == 0) throw std::runtime_error("on purpose");
        return throw_exception();
    };
    start(path, &log::write_lines, minimal_snapshot());
    for (int i = 0; i < 3; ++i) {
        const RawPeer client = connect();
        ASSERT_TRUE(hears_something(client)) << i;
    }
    stop();
    EXPECT_EQ(served, 3);
    EXPECT_EQ(net::escaped_exceptions(), escaped_before + 3);
    EXPECT_EQ(places.taken(), 0U);
}

TEST_F(WorkerTest, AcceptsTheNextConnectionAfterOneThatCannotBeMade) {
    Tally timeouts;
    const Path path = [&](Context&, client::Connection& connection) {
        return read_one(connection, timeouts);
    };
    auto broken = minimal_snapshot();
    // OpenSSL makes no connection without its context.
    auto empty = std::make_shared<net::asio::ssl::context>(net::asio::ssl::context::tls_server);
    const net::asio::ssl::context taken = std::move(*empty);
    broken->listener_tls = {empty};
    start(path, &log::write_lines, broken);
    const RawPeer refused = connect();
    ASSERT_TRUE(hears_something(refused));

    swap(minimal_snapshot());
    const RawPeer served = connect();
    EXPECT_TRUE(timeouts.reaches(1));
    EXPECT_EQ(net::escaped_exceptions(), escaped_before + 1);
}

TEST_F(WorkerTest, GoesOnTickingAfterATickThatThrows) {
    Tally timeouts;
    const Path path = [&](Context& context, client::Connection& connection) {
        context.access_lines += "line\n";
        return read_one(connection, timeouts);
    };
    Tally writes;
    std::vector<std::string> written;
    const auto write_lines = [&](std::string_view lines) {
        written.emplace_back(lines);
        writes.add();
        if (written.size() == 1) throw std::runtime_error("on purpose");
    };
    start(path, write_lines, minimal_snapshot());
    const RawPeer first = connect();
    ASSERT_TRUE(writes.reaches(1));
    ASSERT_TRUE(timeouts.reaches(1));

    const RawPeer second = connect();
    EXPECT_TRUE(timeouts.reaches(2)) << "no deadline fires any more";
    EXPECT_TRUE(writes.reaches(2));
    stop();
    EXPECT_EQ(net::escaped_exceptions(), escaped_before + 1);
    EXPECT_THAT(written, testing::ElementsAre("line", "line")) << "what was lost stays lost";
}

TEST_F(WorkerTest, BringsSnapshotsIntoForceInTheirOrder) {
    start([](Context&, client::Connection&) { return throw_exception(); }, &log::write_lines,
          minimal_snapshot());
    std::vector<int> order;
    Tally done;
    const auto large = minimal_snapshot(test::many_upstreams(63, 64));
    const auto last = minimal_snapshot(test::many_upstreams(2, 1));
    worker->swap(large, [&] {
        order.push_back(1);
        done.add();
    });
    worker->swap(last, [&] {
        order.push_back(2);
        done.add();
    });
    ASSERT_TRUE(done.reaches(2));
    stop();
    EXPECT_THAT(order, testing::ElementsAre(1, 2));
    EXPECT_EQ(worker->context().snapshot->shared, last);
}

TEST_F(WorkerTest, StopsWhileASnapshotIsBroughtIntoForce) {
    start([](Context&, client::Connection&) { return throw_exception(); }, &log::write_lines,
          minimal_snapshot());
    Tally done;
    for (int i = 0; i < 3; ++i) {
        worker->swap(minimal_snapshot(test::many_upstreams(63, 64)), [&] { done.add(); });
    }
    stop();
    EXPECT_TRUE(done.reaches(3)) << "the one who waits is told";
}

TEST_F(WorkerTest, ServesWhileASnapshotIsBroughtIntoForce) {
    const auto large = minimal_snapshot(test::many_upstreams(63, 64));
    bool was_old = false;
    const Path path = [&](Context& context, client::Connection&) {
        was_old = context.snapshot->shared != large;
        return throw_exception();
    };
    make(path, &log::write_lines, minimal_snapshot());
    net::asio::io_context& io = worker->context().client.io;
    bool is_done = false;
    worker->swap(large, [&] { is_done = true; });
    test::ConnectedPair pair = test::unix_pair(io);
    worker->accept(std::move(pair.socket), std::make_shared<const client::ListenerRules>());
    for (int i = 0; i < 20; ++i) io.poll_one();
    EXPECT_TRUE(was_old) << "its turn came before all endpoints were made";
    EXPECT_FALSE(is_done);
    io.poll();
    EXPECT_TRUE(is_done);
    EXPECT_EQ(worker->context().snapshot->shared, large);
}

}  // namespace
}  // namespace sluicegate::worker
