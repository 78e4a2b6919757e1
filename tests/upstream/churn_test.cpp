// Ten thousand requests over TLS to a server that closes connections all the time: nothing is lost,
// nothing leaks, and the counters tell the same story as the server.
#include "support/certificates.hpp"
#include "support/fake_upstream.hpp"
#include "support/temporary_folder.hpp"
#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using support::ConnectionRecord;
using support::FakeUpstream;
using support::ReceivedRequest;
using support::Script;

std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

/// A worker in short, on real time.
class Churn {
public:
    Churn(const FakeUpstream& server, const std::string& ca_file) {
        config::Upstream settings;
        settings.name = "provider";
        config::Endpoint& endpoint = settings.endpoints.emplace_back();
        endpoint.tls = true;
        endpoint.host = "127.0.0.1";
        endpoint.port = server.port();
        settings.pool.age_max = 200ms;
        settings.pool.prewarm = 2;
        auto tls = net::make_client_tls(
            {.ca_file = ca_file, .client_certificate_file = {}, .client_key_file = {}});
        const Services services{context_, clock_, deadlines_, resolver_, registry_, memory_};
        pool_ = std::make_shared<Pool>(services, settings, 0, std::move(*tls), nullptr);
    }

    /// Returns when `requests` answers have come, to `callers` that ask at the same time.
    void run(int requests, int callers) {
        left_ = requests;
        callers_ = callers;
        net::spawn(context_, tick(), "tick");
        for (int i = 0; i < callers; ++i) net::spawn(context_, ask(), "caller");
        context_.run();
    }

    [[nodiscard]] std::int64_t connects(std::string_view how) const {
        for (const auto& sample : registry_.collect(metrics::Metric::upstream_connects_total)) {
            if (sample.labels.back() == how) return sample.values.front();
        }
        return -1;
    }
    [[nodiscard]] std::int64_t connections() const {
        std::int64_t sum = 0;
        for (const auto& sample : registry_.collect(metrics::Metric::upstream_connections)) {
            sum += sample.values.front();
        }
        return sum;
    }
    int answered = 0;
    int failed = 0;
    int repeated = 0;  ///< on a new connection, because an idle one had been closed

private:
    net::Task<void> tick() {
        net::Timer timer(context_.get_executor());
        for (int ticks = 0; callers_ > 0; ++ticks) {
            timer.expires_after(net::Deadlines::tick_length);
            co_await timer.async_wait(net::use_result);
            deadlines_.tick(clock_.now());
            if (ticks % 4 == 0) pool_->sweep(clock_.now());
        }
        pool_->retire();
    }
    net::Task<void> ask() {
        while (left_ > 0) {
            --left_;
            Exchange exchange(pool_, deadlines_.now());
            auto body = co_await test::fetch(exchange, true);
            if (!body && exchange.is_reused() && !exchange.has_answered()) {
                ++repeated;
                body = co_await test::fetch(exchange, false);
            }
            ++(body && *body == "{}" ? answered : failed);
        }
        --callers_;
    }

    MemoryBudget memory_{std::size_t{1} << 30};
    net::asio::io_context context_;
    SystemClock clock_;
    net::Deadlines deadlines_{clock_.now()};
    net::Resolver resolver_{context_, clock_};
    metrics::Registry registry_;
    std::shared_ptr<Pool> pool_;
    int left_ = 0;
    int callers_ = 0;
};

/// One server, one pool and `requests` requests, from the first descriptor to the last.
void churn(int requests, int protocol_version) {
    const support::TemporaryFolder folder;
    const support::CertificateAuthority authority;
    auto server_tls = support::server_context(authority.issue({.names = {"IP:127.0.0.1"}}));
    SSL_CTX_set_max_proto_version(server_tls.get(), protocol_version);
    FakeUpstream server(std::move(server_tls));
    std::atomic<int> served{0};
    server.answer_with([&served](const ReceivedRequest&) {
        const int number = ++served;
        Script script;
        if (number % 25 == 0) {
            return script.send(support::json_response(200, "{}", "Connection: close\r\n")).close();
        }
        script.send(support::json_response(200, "{}"));
        if (number % 35 == 0) script.close();
        return script;
    });

    Churn client(server, folder.write("ca.pem", authority.certificate()));
    client.run(requests, 8);
    const std::int64_t full = client.connects("tls");
    const std::int64_t resumed = client.connects("tls_resumed");
    const std::int64_t reused = client.connects("reused");
    std::cout << requests << " requests: " << full << " full handshakes, " << resumed
              << " resumed, " << reused << " sent over idle connections, " << client.repeated
              << " repeated\n";

    EXPECT_EQ(client.failed, 0);
    EXPECT_EQ(client.answered, requests);
    EXPECT_EQ(client.connections(), 0);
    const auto accepted = server.connections();
    const auto resumed_there = std::count_if(
        accepted.begin(), accepted.end(),
        [](const ConnectionRecord& connection) { return connection.is_session_resumed; });
    // Prewarming may have been ended while the server saw a handshake and the pool did not yet.
    EXPECT_NEAR(static_cast<double>(accepted.size()), static_cast<double>(full + resumed), 4);
    EXPECT_NEAR(static_cast<double>(resumed_there), static_cast<double>(resumed), 4);
    // The first, made side by side, have no session to resume; later on, few find none left.
    EXPECT_LE(full, 8 + 2 + resumed / 5);
    EXPECT_GE(resumed, requests / 25 - full);
    // Each attempt used an idle connection or made one; those that were prewarmed count as idle.
    EXPECT_GE(reused + full + resumed, requests + client.repeated);
    EXPECT_GE(reused, requests / 2);
    for (std::size_t i = 0; i < accepted.size(); ++i) {
        ASSERT_TRUE(server.wait_for(
            i, [](const ConnectionRecord& connection) { return connection.is_over; }));
    }
}

TEST(TlsChurn, TenThousandRequestsLoseNothingAndLeaveNothingBehind) {
    churn(100, TLS1_3_VERSION);  // what is opened once and for all is open after this
    const auto before = open_descriptors();
    churn(10'000, TLS1_3_VERSION);
    EXPECT_EQ(open_descriptors(), before);
}

TEST(TlsChurn, SessionsOfTls12AreResumedAsWell) {
    churn(1'000, TLS1_2_VERSION);
}

}  // namespace
}  // namespace sluicegate::upstream
