// Clients without a valid key never keep those with one from being served, however many hang on.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cstddef>
#include <deque>
#include <functional>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view refused_total = "sluicegate_client_connections_refused_total";
constexpr std::string_view evicted_total = "sluicegate_client_connections_evicted_total";

/// A client at another address of the loopback network.
Wire connect_from(const char* address, std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &local.sin_addr);
    sockaddr_in gateway = local;
    ::inet_pton(AF_INET, "127.0.0.1", &gateway.sin_addr);
    gateway.sin_port = htons(port);
    EXPECT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&local), sizeof local), 0);
    EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&gateway), sizeof gateway), 0);
    return Wire(descriptor);
}

std::string beginning_of_answer(Wire& client) {
    std::string begun;
    while (begun.size() < 15) {
        const ReadResult read = client.read_some();
        if (read.bytes.empty()) break;
        begun += read.bytes;
    }
    return begun.substr(0, 15);
}

class Strangers : public testing::Test {
protected:
    ConfigText config(const std::string& server_lines) {
        ConfigText text(upstream_.base_url());
        text.server_lines = server_lines;
        text.listener_tls = tls_listener;
        return text;
    }
    Gateway& start(const std::string& server_lines) {
        return gateway_.emplace(config(server_lines), files_of(authority_.issue()));
    }
    [[nodiscard]] std::uint16_t tls_port() { return gateway_->daemon().port("client_tls"); }
    Response chat_over_tls() {
        const SslContext context = client_context(authority_.certificate(), "localhost");
        TestClient client(tls_port(), context.get(), "localhost");
        client.send(chat_request(alice_key, "m"));
        return client.read_response();
    }

    CertificateAuthority authority_;
    FakeUpstream upstream_;
    std::optional<Gateway> gateway_;
    std::deque<TestClient> strangers_;
};

TEST_F(Strangers, GiveWayToThoseWhoShowAKey) {
    struct Row {
        std::string name;
        std::function<void()> hang_on;
    };
    const std::vector<Row> rows{
        {"silent", [&] { strangers_.push_back(gateway_->connect()); }},
        {"a slow head",
         [&] {
             strangers_.push_back(gateway_->connect());
             strangers_.back().send("POST /v1/chat/completions HTTP/1.1\r\nHo");
         }},
        {"a 401 behind it",
         [&] {
             strangers_.push_back(gateway_->connect());
             strangers_.back().send(request("GET", "/v1/models", ""));
             EXPECT_EQ(strangers_.back().read_response("GET").status, 401);
         }},
        {"an unfinished handshake",
         [&] {
             strangers_.emplace_back(tls_port());
             strangers_.back().send("\x16\x03\x01");
         }},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        start("  max_connections: 20\n");
        for (int i = 0; i < 40; ++i) row.hang_on();
        for (int i = 0; i < 20; ++i) {
            expect_success(gateway_->chat(alice_key, "m"));
            row.hang_on();
        }
        expect_success(chat_over_tls());
        EXPECT_GE(metric(*gateway_, evicted_total), 40);
        EXPECT_EQ(metric(*gateway_, refused_total), 0);
        strangers_.clear();
        gateway_.reset();
    }
}

TEST_F(Strangers, TakeNoPlaceFromAClientThatHasShownAKey) {
    start("  max_connections: 20\n");
    std::vector<TestClient> known;
    for (int i = 0; i < 10; ++i) {
        known.push_back(gateway_->connect());
        known.back().send(chat_request(alice_key, "m"));
        expect_success(known.back().read_response());
    }
    for (int i = 0; i < 100; ++i) strangers_.push_back(gateway_->connect());
    for (TestClient& client : known) {
        client.send(chat_request(alice_key, "m"));
        expect_success(client.read_response());
    }
    EXPECT_NE(strangers_.front().read_to_end(), ReadEnd::timeout);
}

TEST_F(Strangers, TheLongestIdleOneGoesFirst) {
    start("  max_connections: 3\n");
    TestClient first = gateway_->connect();
    ASSERT_TRUE(
        eventually([&] { return metric(*gateway_, "sluicegate_client_connections") == 1.0; }));
    TestClient second = gateway_->connect();
    ASSERT_TRUE(
        eventually([&] { return metric(*gateway_, "sluicegate_client_connections") == 2.0; }));
    TestClient third = gateway_->connect();
    ASSERT_TRUE(
        eventually([&] { return metric(*gateway_, "sluicegate_client_connections") == 3.0; }));
    // The first is idle only since its answer, so the second has been idle longest.
    first.send(request("GET", "/v1/models", ""));
    EXPECT_EQ(first.read_response("GET").status, 401);
    let_time_pass(milliseconds(20));  // the client has the answer a little before the first is idle
    TestClient fourth = gateway_->connect();
    EXPECT_NE(second.read_to_end(), ReadEnd::timeout);
    first.send(request("GET", "/v1/models", bearer(alice_key)));
    expect_success(first.read_response("GET"));
}

TEST_F(Strangers, OfTheAddressThatHasMostGiveWayFirst) {
    struct Row {
        std::string name;
        std::string first_bytes;
        bool is_tls;
    };
    const std::vector<Row> rows{{"silent", "", false},
                                {"a slow head", "POST /v1/chat/completions HTTP/1.1\r\nHo", false},
                                {"a handshake", "\x16\x03\x01", true}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        start("  max_connections: 100\n");
        std::vector<Wire> slow;
        for (const char* const address : {"127.0.0.2", "127.0.0.3", "127.0.0.3"}) {
            slow.push_back(connect_from(address, gateway_->port()));
        }
        const std::string request = chat_request(alice_key, "m");
        slow[1].write_all(std::string_view(request).substr(0, 30));
        for (int i = 0; i < 400; ++i) {
            strangers_.emplace_back(row.is_tls ? tls_port() : gateway_->port());
            strangers_.back().send(row.first_bytes);
        }
        ASSERT_TRUE(eventually([&] { return metric(*gateway_, evicted_total) >= 300; }));
        slow[0].write_all(request);
        slow[1].write_all(std::string_view(request).substr(30));
        slow[2].write_all(request);
        for (Wire& client : slow) EXPECT_EQ(beginning_of_answer(client), "HTTP/1.1 200 OK");
        strangers_.clear();
        gateway_.reset();
    }
}

TEST_F(Strangers, FiveThousandHangOnAndEveryKeyIsServed) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t strangers = std::min<rlim_t>(5000, limit.rlim_max - 200);
    for (const std::string lines : {"", "  max_connections: 1000\n"}) {
        SCOPED_TRACE(lines);
        start(lines);
        for (rlim_t i = 0; i < strangers; ++i) strangers_.push_back(gateway_->connect());
        for (int i = 0; i < 50; ++i) expect_success(gateway_->chat(alice_key, "m"));
        TestClient known = gateway_->connect();
        for (int i = 0; i < 50; ++i) {
            known.send(chat_request(alice_key, "m"));
            expect_success(known.read_response());
        }
        strangers_.clear();
        gateway_.reset();
    }
}

TEST_F(Strangers, KeepAConnectionAfterA401OnlyForTheTimeOfAHead) {
    ConfigText text = config("");
    text.timeouts = "{header: 300ms, body: 20s, idle: 60s, drain: 1s}";
    gateway_.emplace(text, files_of(authority_.issue()));
    TestClient known = gateway_->connect();
    known.send(chat_request(alice_key, "m"));
    expect_success(known.read_response());
    for (const std::string target : {"/v1/models", "/nowhere"}) {
        SCOPED_TRACE(target);
        TestClient stranger = gateway_->connect();
        stranger.send(request("GET", target, ""));
        EXPECT_GE(stranger.read_response("GET").status, 401);
        EXPECT_NE(stranger.read_to_end(), ReadEnd::timeout);
    }
    known.send(chat_request(alice_key, "m"));
    expect_success(known.read_response());
    known.send(request("GET", "/v1/models", bearer("sk-wrong")));
    EXPECT_EQ(known.read_response("GET").status, 401);
    EXPECT_NE(known.read_to_end(), ReadEnd::timeout) << "its key does not excuse the last failure";
}

TEST_F(Strangers, OfOneAddressAreBoundedWhereThatIsAskedFor) {
    start("  max_connections_per_address: 5\n");
    for (int i = 0; i < 5; ++i) {
        strangers_.push_back(gateway_->connect());
        strangers_.back().send(chat_request(alice_key, "m"));
        expect_success(strangers_.back().read_response());
    }
    TestClient late = gateway_->connect();
    const Response refused = late.read_response();
    expect_error(refused, {.status = 503, .type = "server_error", .code = "gateway_overloaded"});
    EXPECT_EQ(refused.field("retry-after"), "1");
    EXPECT_EQ(to_lower(refused.field("connection")), "close");
    Wire tls = Wire::connect(tls_port());
    const SslContext context = client_context(authority_.certificate(), "localhost");
    EXPECT_FALSE(tls.start_tls_client(context.get(), "localhost"));
    EXPECT_EQ(metric(*gateway_, refused_total, {"reason=\"per_address\""}), 2);
    strangers_.pop_back();
    EXPECT_TRUE(eventually([&] { return gateway_->chat(alice_key, "m").status == 200; }));
}

TEST_F(Strangers, FillNoMoreThanHalfOfTheMemoryWithTheirHeads) {
    ConfigText text = config("  memory: 1MiB\n  max_header: 512KiB\n");
    text.max_body = "1MiB";
    gateway_.emplace(text, files_of(authority_.issue()));
    const std::string head = "GET /v1/models HTTP/1.1\r\nHost: a\r\nX-Long: ";
    for (int i = 0; i < 8; ++i) {
        strangers_.push_back(gateway_->connect());
        strangers_.back().send(head + std::string(200'000, 'x'));
    }
    const auto buffered = [&] { return metric(*gateway_, "sluicegate_memory_buffered_bytes"); };
    EXPECT_TRUE(eventually([&] { return buffered() > 200'000; })) << "their buffers count";
    EXPECT_LE(buffered(), 900'000);
    expect_success(gateway_->chat(alice_key, "m"));
    strangers_.clear();
    EXPECT_TRUE(eventually([&] { return buffered() == 0; }));
}

}  // namespace
}  // namespace sluicegate::support
