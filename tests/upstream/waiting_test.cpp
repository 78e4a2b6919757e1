/// Deadlines and cancellation, in every phase of an exchange.

#include "sluicegate/net/listener.hpp"
#include "sluicegate/net/stream.hpp"

#include "net/certificates.hpp"
#include "upstream/rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using test::Rig;
using test::RunningTask;
using Outcome = Result<Arrival>;

/// What neither end's socket takes at once.
const std::string long_request(8'000'000, 'x');

net::Task<Outcome> sent(Exchange& exchange, std::span<const net::asio::const_buffer> pieces) {
    auto sent = co_await exchange.send(pieces);
    if (!sent) co_return std::move(sent).failure();
    co_return Arrival::complete;
}

/// An exchange that has come as far as the name says, and the task that waits there.
class Waiting {
public:
    explicit Waiting(Rig& rig) : rig_(rig), exchange_(rig.pool(), rig.clock.now()) {}

    void in_send() {
        open();
        pieces_ = {net::asio::buffer(long_request)};
        task_.emplace(rig_.context, sent(exchange_, pieces_));
    }
    void in_head() {
        open();
        ASSERT_TRUE(rig_.send(exchange_));
        task_.emplace(rig_.context, exchange_.receive_head());
    }
    void in_body() {
        in_head();
        rig_.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
        ASSERT_TRUE(task_->take());
        again_in_body();
    }
    void again_in_body(Instant wake_at = Instant::max()) {
        task_.emplace(rig_.context, exchange_.receive_body(1'000'000, wake_at));
    }
    RunningTask<Outcome>& task() { return *task_; }
    Exchange& exchange() { return exchange_; }
    void expect_end(ErrorKind kind) {
        ASSERT_TRUE(task_->is_done());
        const Outcome outcome = task_->take();
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().kind, kind);
        EXPECT_TRUE(rig_.peers[0].has_ended());
    }

private:
    void open() { ASSERT_TRUE(rig_.open(exchange_, true)); }

    Rig& rig_;
    Exchange exchange_;
    std::vector<net::asio::const_buffer> pieces_;
    std::optional<RunningTask<Outcome>> task_;
};

TEST(ExchangeDeadlines, SilenceBeforeTheAnswerEndsAtFirstByte) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 10s, .between_bytes = 1s, .total = 60s};
    Waiting waiting(rig);
    waiting.in_head();
    rig.pass(9'999ms);
    EXPECT_FALSE(waiting.task().is_done());
    rig.pass(1ms + net::Deadlines::tick_length);
    waiting.expect_end(ErrorKind::upstream_timeout);
    EXPECT_FALSE(waiting.exchange().has_answered());
}

TEST(ExchangeDeadlines, ATricklingHeadDoesNotGetMoreTime) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 10s, .between_bytes = 5s, .total = 60s};
    Waiting waiting(rig);
    waiting.in_head();
    for (const char byte : std::string("HTTP/1.1 ")) {
        rig.pass(1s);
        EXPECT_FALSE(waiting.task().is_done());
        rig.peers[0].send(std::string(1, byte));
    }
    rig.pass(1s + net::Deadlines::tick_length);
    waiting.expect_end(ErrorKind::upstream_timeout);
}

TEST(ExchangeDeadlines, InterimAnswersDoNotGetMoreTime) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 6s, .between_bytes = 5s, .total = 60s};
    Waiting waiting(rig);
    waiting.in_head();
    for (int i = 0; i < 5; ++i) {
        rig.pass(1s);
        EXPECT_FALSE(waiting.task().is_done());
        rig.peers[0].send("HTTP/1.1 100 Continue\r\n\r\n");
    }
    rig.pass(1s + net::Deadlines::tick_length);
    waiting.expect_end(ErrorKind::upstream_timeout);
}

TEST(ExchangeDeadlines, SilenceWithinTheBodyEndsAtBetweenBytesAndEachByteStartsItAnew) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 1s, .between_bytes = 5s, .total = 60s};
    Waiting waiting(rig);
    waiting.in_body();
    for (int i = 0; i < 5; ++i) {
        rig.pass(4'999ms);
        EXPECT_FALSE(waiting.task().is_done());
        rig.peers[0].send("x");
        ASSERT_TRUE(waiting.task().take());
        waiting.again_in_body();
    }
    rig.pass(5s + net::Deadlines::tick_length);
    waiting.expect_end(ErrorKind::upstream_idle_timeout);
}

TEST(ExchangeDeadlines, ATricklingBodyEndsAtTotal) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 5s, .between_bytes = 5s, .total = 20s};
    Exchange exchange(rig.pool(), rig.clock.now());
    RunningTask<Result<std::string>> task(rig.context, test::fetch(exchange, true));
    rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
    for (int i = 0; i < 19; ++i) {
        rig.pass(1s);
        ASSERT_FALSE(task.is_done());
        rig.peers[0].send("x");
    }
    rig.pass(999ms);
    EXPECT_FALSE(task.is_done());
    rig.pass(1ms);
    ASSERT_TRUE(task.is_done());
    EXPECT_EQ(task.take().error().kind, ErrorKind::upstream_total_timeout);
}

TEST(ExchangeDeadlines, APeerThatStopsReadingEndsAtBetweenBytes) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 1s, .between_bytes = 5s, .total = 60s};
    Waiting waiting(rig);
    waiting.in_send();
    rig.pass(2 * net::Deadlines::tick_length);
    for (int i = 0; i < 19; ++i) rig.pass(250ms);
    EXPECT_FALSE(waiting.task().is_done());
    for (int i = 0; i < 4; ++i) rig.pass(250ms);
    waiting.expect_end(ErrorKind::upstream_idle_timeout);
}

TEST(ExchangeDeadlines, APeerThatReadsSlowlyHasUntilTotal) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 1s, .between_bytes = 5s, .total = 20s};
    Waiting waiting(rig);
    waiting.in_send();
    std::string some(50'000, '\0');
    for (int i = 0; i < 79; ++i) {
        rig.pass(250ms);
        ASSERT_FALSE(waiting.task().is_done()) << i;
        ASSERT_GT(::recv(rig.peers[0].descriptor(), some.data(), some.size(), MSG_DONTWAIT), 0);
    }
    rig.pass(250ms);
    waiting.expect_end(ErrorKind::upstream_total_timeout);
}

TEST(ExchangeDeadlines, SilenceWakesTheCallerAndTheWaitGoesOnWhereItWas) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 10s, .between_bytes = 5s, .total = 60s};
    Exchange exchange(rig.pool(), rig.clock.now());
    ASSERT_TRUE(rig.open(exchange, true));
    ASSERT_TRUE(rig.send(exchange));

    RunningTask<Outcome> head(rig.context, exchange.receive_head(rig.clock.now() + 4s));
    rig.pass(4s + net::Deadlines::tick_length);
    ASSERT_TRUE(head.is_done());
    EXPECT_EQ(*head.take(), Arrival::silent);
    rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-le");
    RunningTask<Outcome> again(rig.context, exchange.receive_head(rig.clock.now() + 4s));
    rig.pass(4s + net::Deadlines::tick_length);
    ASSERT_TRUE(again.is_done());
    EXPECT_EQ(*again.take(), Arrival::silent);
    RunningTask<Outcome> rest(rig.context, exchange.receive_head());
    rig.peers[0].send("ngth: 2\r\n\r\n");
    ASSERT_TRUE(rest.is_done());
    EXPECT_EQ(*rest.take(), Arrival::complete);

    RunningTask<Outcome> body(rig.context, exchange.receive_body(100, rig.clock.now() + 4s));
    rig.pass(4s + net::Deadlines::tick_length);
    ASSERT_TRUE(body.is_done());
    EXPECT_EQ(*body.take(), Arrival::silent);
    RunningTask<Outcome> end(rig.context, exchange.receive_body(100));
    rig.peers[0].send("ok");
    ASSERT_TRUE(end.is_done());
    EXPECT_EQ(*end.take(), Arrival::complete);
    EXPECT_EQ(exchange.body(), "ok");
    EXPECT_TRUE(exchange.is_complete());
}

TEST(ExchangeDeadlines, WakingDoesNotGiveASilentUpstreamMoreTime) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 10s, .between_bytes = 5s, .total = 60s};
    Waiting waiting(rig);
    waiting.in_body();
    for (int i = 0; i < 4; ++i) {
        waiting.again_in_body(rig.clock.now() + 1s);
        rig.pass(1s + net::Deadlines::tick_length);
        ASSERT_TRUE(waiting.task().is_done());
        EXPECT_EQ(*waiting.task().take(), Arrival::silent);
    }
    waiting.again_in_body(rig.clock.now() + 2s);
    rig.pass(1s);
    waiting.expect_end(ErrorKind::upstream_idle_timeout);
}

TEST(ExchangeDeadlines, TheTotalCanBeBroughtForwardWhileSomethingWaits) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 10s, .between_bytes = 10s, .total = 60s};
    Waiting waiting(rig);
    waiting.in_body();
    waiting.exchange().end_within(2s);
    rig.pass(1'900ms);
    EXPECT_FALSE(waiting.task().is_done());
    rig.pass(100ms + net::Deadlines::tick_length);
    waiting.expect_end(ErrorKind::upstream_total_timeout);
}

TEST(ExchangeDeadlines, NoneIsLeftWhenAnOperationHasEnded) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 1s, .between_bytes = 1s, .total = 10min};
    Exchange exchange(rig.pool(), rig.clock.now());
    ASSERT_TRUE(rig.open(exchange, true));
    ASSERT_TRUE(rig.send(exchange));
    rig.pass(5s);
    rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
    ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
    rig.pass(5s);
    rig.peers[0].send("ab");
    ASSERT_TRUE(test::run(rig.context, exchange.receive_body(1000)));
    rig.pass(5s);  // a client that reads slowly
    rig.peers[0].send("cd");
    ASSERT_TRUE(test::run(rig.context, exchange.receive_body(1000)));
    EXPECT_EQ(exchange.body(), "abcd");
    EXPECT_TRUE(exchange.is_complete());
}

TEST(ExchangeCancel, EndsWhatWaitsAndClosesTheConnection) {
    struct Row {
        const char* name;
        void (Waiting::*begin)();
    };
    const std::vector<Row> rows{{"sending", &Waiting::in_send},
                                {"waiting for the head", &Waiting::in_head},
                                {"in the body", &Waiting::in_body}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Rig rig;
        {
            Waiting waiting(rig);
            (waiting.*row.begin)();
            EXPECT_FALSE(waiting.task().is_done());
            waiting.exchange().cancel(ErrorKind::client_gone);
            waiting.exchange().cancel(ErrorKind::internal);  // the first reason stands
            waiting.expect_end(ErrorKind::client_gone);
        }
        EXPECT_EQ(rig.connections("active"), 0);
        EXPECT_EQ(rig.connections("idle"), 0);
    }
}

TEST(ExchangeCancel, AfterACompleteAnswerTheConnectionIsNotKept) {
    Rig rig;
    {
        Exchange exchange(rig.pool(), rig.clock.now());
        RunningTask<Result<std::string>> task(rig.context, test::fetch(exchange, true));
        rig.peers[0].send(test::short_answer);
        ASSERT_TRUE(task.take());
        exchange.cancel(ErrorKind::client_gone);
    }
    EXPECT_EQ(rig.connections("idle"), 0);
}

TEST(ExchangeSend, AnEarlyAnswerOfAPeerThatStopsReadingIsRead) {
    for (const auto connect : {test::unix_pair, test::tcp_pair}) {
        Rig rig;
        rig.connect = connect;
        {
            Waiting waiting(rig);
            waiting.in_send();
            EXPECT_FALSE(waiting.task().is_done());
            rig.peers[0].send("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno");
            rig.peers[0].close();
            ASSERT_TRUE(waiting.task().take());
            Exchange& exchange = waiting.exchange();
            EXPECT_TRUE(exchange.was_sent());
            ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
            EXPECT_EQ(exchange.head().status, 413U);
            ASSERT_TRUE(test::run(rig.context, exchange.receive_body(1000)));
            EXPECT_EQ(exchange.body(), "no");
        }
        EXPECT_EQ(rig.connections("idle"), 0) << "half a request stands in that connection";
    }
}

TEST(ExchangeSend, AnEarlyRefusalEndsTheUploadAtOnce) {
    for (const auto connect : {test::unix_pair, test::tcp_pair}) {
        Rig rig;
        rig.connect = connect;
        {
            Waiting waiting(rig);
            waiting.in_send();
            EXPECT_FALSE(waiting.task().is_done());
            rig.peers[0].send("HTTP/1.1 401 No\r\ncontent-le");
            EXPECT_FALSE(waiting.task().is_done()) << "the head is not whole";
            rig.peers[0].send("ngth: 2\r\n\r\nno");
            ASSERT_TRUE(waiting.task().is_done()) << "the peer reads nothing, and no time passes";
            ASSERT_TRUE(waiting.task().take());
            Exchange& exchange = waiting.exchange();
            ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
            EXPECT_EQ(exchange.head().status, 401U);
            ASSERT_TRUE(test::run(rig.context, exchange.receive_body(1000)));
            EXPECT_EQ(exchange.body(), "no");
            EXPECT_TRUE(exchange.is_complete());
            EXPECT_TRUE(exchange.was_sent());
        }
        EXPECT_EQ(rig.connections("idle"), 0) << "half a request stands in that connection";
        EXPECT_TRUE(rig.peers[0].has_ended());
    }
}

TEST(ExchangeSend, InterimAnswersAndAnEarlySuccessLetTheUploadGoOn) {
    Rig rig;
    {
        Waiting waiting(rig);
        waiting.in_send();
        rig.peers[0].send("HTTP/1.1 100 Continue\r\n\r\n");
        EXPECT_FALSE(waiting.task().is_done());
        rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        EXPECT_FALSE(waiting.task().is_done());
        std::size_t got = 0;
        while (!waiting.task().is_done()) got += rig.peers[0].received().size();
        got += rig.peers[0].received().size();
        EXPECT_EQ(got, long_request.size());
        ASSERT_TRUE(waiting.task().take());
        Exchange& exchange = waiting.exchange();
        ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
        EXPECT_EQ(exchange.head().status, 200U);
        ASSERT_TRUE(test::run(rig.context, exchange.receive_body(1000)));
        EXPECT_EQ(exchange.body(), "ok");
    }
    EXPECT_EQ(rig.connections("idle"), 1) << "both sides have said all that they had to";
}

TEST(ExchangeSend, AnEarlySuccessOfAPeerThatStopsReadingStands) {
    Rig rig;
    rig.settings.timeouts = {.first_byte = 1s, .between_bytes = 5s, .total = 60s};
    {
        Waiting waiting(rig);
        waiting.in_send();
        rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        for (int i = 0; i < 24; ++i) rig.pass(250ms);
        ASSERT_TRUE(waiting.task().is_done());
        ASSERT_TRUE(waiting.task().take());
        Exchange& exchange = waiting.exchange();
        ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
        ASSERT_TRUE(test::run(rig.context, exchange.receive_body(1000)));
        EXPECT_EQ(exchange.body(), "ok");
    }
    EXPECT_EQ(rig.connections("idle"), 0);
}

TEST(ExchangeSend, APeerThatLeavesDuringTheUploadIsNotWaitedFor) {
    Rig rig;
    Waiting waiting(rig);
    waiting.in_send();
    rig.peers[0].close();
    ASSERT_TRUE(waiting.task().is_done());
    Outcome answered = waiting.task().take();
    if (answered) answered = test::run(rig.context, waiting.exchange().receive_head());
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().kind, ErrorKind::upstream_closed);
}

/// An upstream with an address: a listener of this process.
class ExchangeConnect : public testing::Test {
protected:
    void listen() {
        ASSERT_TRUE(listener.bind("127.0.0.1", 0, net::Sharing::first));
        rig.settings.endpoints.front().host = "127.0.0.1";
        rig.settings.endpoints.front().port = listener.port();
        auto keep = [this](net::Socket socket) { accepted.push_back(std::move(socket)); };
        net::spawn(rig.context, listener.run(keep), "listener");
    }
    void TearDown() override {
        listener.close();
        rig.context.restart();
        rig.context.run();
    }
    std::shared_ptr<Pool> pool(net::TlsContext tls) {
        return std::make_shared<Pool>(rig.services(), rig.settings, 0, std::move(tls), nullptr);
    }
    net::TlsContext tls_of(const std::string& ca_file) {
        auto made = net::make_client_tls(
            {.ca_file = ca_file, .client_certificate_file = {}, .client_key_file = {}});
        EXPECT_TRUE(made);
        rig.settings.endpoints.front().tls = true;
        return *made;
    }
    /// Takes the first connection that comes as a TLS server, and answers once.
    static net::Task<bool> answer(std::vector<net::Socket>& from, net::TlsContext tls) {
        net::Stream stream(std::move(from.back()), tls.get());
        auto [refused] = co_await stream.accept_tls();
        if (refused) co_return false;
        std::string into(1000, '\0');
        const net::asio::mutable_buffer room = net::asio::buffer(into);
        co_await stream.read_some(room);
        const std::array pieces{
            net::asio::const_buffer(test::short_answer.data(), test::short_answer.size())};
        co_await stream.write(pieces);
        co_await stream.read_some(room);  // until the client closes
        co_return true;
    }
    std::int64_t connects(std::string_view how) {
        for (const auto& sample : rig.registry.collect(metrics::Metric::upstream_connects_total)) {
            if (sample.labels.back() == how) return sample.values.front();
        }
        return -1;
    }

    Rig rig;
    net::Listener listener{rig.context};
    std::vector<net::Socket> accepted;
};

TEST_F(ExchangeConnect, ConnectsToAnAddress) {
    listen();
    Exchange exchange(pool(nullptr), rig.clock.now());
    ASSERT_TRUE(rig.open(exchange, true));
    EXPECT_EQ(connects("plain"), 1);
    EXPECT_FALSE(exchange.is_reused());
    rig.pass(1min);
    EXPECT_TRUE(rig.send(exchange)) << "the deadline of connecting is gone";
}

TEST_F(ExchangeConnect, ARefusedConnectionIsUnreachable) {
    listen();
    listener.close();
    Exchange exchange(pool(nullptr), rig.clock.now());
    const auto opened = rig.open(exchange, true);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::upstream_unreachable);
    EXPECT_EQ(opened.error().detail, "provider: connecting to 127.0.0.1: Connection refused");
    EXPECT_FALSE(exchange.was_sent());
}

TEST_F(ExchangeConnect, AHandshakeThatDoesNotEndMeetsTheConnectDeadlineOrACancel) {
    listen();
    test::TemporaryFolder folder;
    const test::Authority authority(folder, "authority");
    const net::TlsContext tls = tls_of(authority.file());
    for (const bool is_cancelled : {false, true}) {
        SCOPED_TRACE(is_cancelled);
        accepted.clear();
        Exchange exchange(pool(tls), rig.clock.now());
        RunningTask<Result<void>> task(rig.context, exchange.connect());
        ASSERT_TRUE(test::run_until(rig.context, [&] { return accepted.size() == 1; }));
        if (is_cancelled) {
            exchange.cancel(ErrorKind::client_gone);
        } else {
            rig.pass(rig.settings.timeouts.connect - 1ms);
            EXPECT_FALSE(task.is_done());
            rig.pass(1ms + net::Deadlines::tick_length);
        }
        const Result<void> opened = task.take();
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().kind,
                  is_cancelled ? ErrorKind::client_gone : ErrorKind::upstream_connect_timeout);
    }
}

TEST_F(ExchangeConnect, VerifiesTheUpstreamAndResumesItsSessions) {
    listen();
    test::TemporaryFolder folder;
    test::Authority authority(folder, "authority");
    const auto files = authority.issue("server", {.names = "DNS:api.test"});
    const auto server_tls = net::make_server_tls(
        {.certificate_file = files.certificate, .private_key_file = files.key});
    ASSERT_TRUE(server_tls);
    const net::TlsContext tls = tls_of(authority.file());
    struct Row {
        const char* name;
        std::string server_name, reason;
    };
    const std::vector<Row> rows{
        {"the name of the settings", "api.test", ""},
        {"another name", "other.test", "provider: TLS with other.test: hostname mismatch"},
        {"the address", "", "provider: TLS with 127.0.0.1: IP address mismatch"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        rig.settings.tls.server_name = row.server_name;
        rig.settings.pool.idle_max = 0;
        const auto provider = pool(tls);
        for (int i = 0; i < (row.reason.empty() ? 2 : 1); ++i) {
            accepted.clear();
            std::optional<RunningTask<bool>> server;
            {
                Exchange exchange(provider, rig.clock.now());
                RunningTask<Result<std::string>> task(rig.context, test::fetch(exchange, true));
                ASSERT_TRUE(test::run_until(rig.context, [&] { return accepted.size() == 1; }));
                server.emplace(rig.context, answer(accepted, *server_tls));
                const Result<std::string> body = task.take();
                EXPECT_EQ(body ? "" : body.error().detail, row.reason);
                if (!body) {
                    EXPECT_EQ(body.error().kind, ErrorKind::upstream_unreachable);
                }
            }
            server->take();
        }
    }
    EXPECT_EQ(connects("tls"), 1);
    EXPECT_EQ(connects("tls_resumed"), 1);
}

}  // namespace
}  // namespace sluicegate::upstream
