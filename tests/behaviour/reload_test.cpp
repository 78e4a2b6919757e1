// SIGHUP: a valid file takes effect without a failed request or a lost count, an invalid one
// changes nothing.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {
namespace {

ConfigText with_rpm(const FakeUpstream& upstream, int rpm) {
    ConfigText config(upstream.base_url());
    config.models +=
        "  busy: {limits: {rpm: " + std::to_string(rpm) + "}, route: [{upstream: up}]}\n";
    return config;
}

/// Clients that ask as fast as they can on kept connections and count what they get.
class Load {
public:
    explicit Load(const Gateway& gateway) {
        for (int i = 0; i < 4; ++i) threads_.emplace_back([this, &gateway] { run(gateway); });
    }
    ~Load() { stop(); }
    void stop() {
        is_stopping_ = true;
        for (std::thread& thread : threads_) {
            if (thread.joinable()) thread.join();
        }
    }
    [[nodiscard]] bool wait_for_admitted(int count) const {
        return eventually([&] { return admitted >= count; }, Deadline(milliseconds(30'000)));
    }
    [[nodiscard]] bool wait_for_refused(int count) const {
        return eventually([&] { return refused >= count; }, Deadline(milliseconds(30'000)));
    }

    std::atomic<int> admitted{0};
    std::atomic<int> refused{0};
    std::atomic<int> failed{0};

private:
    void run(const Gateway& gateway) {
        try {
            TestClient client = gateway.connect();
            const std::string bytes = chat_request(alice_key, "busy");
            while (!is_stopping_) {
                client.send(bytes);
                switch (client.read_response().status) {
                    case 200: ++admitted; break;
                    case 429: ++refused; break;
                    default: ++failed; return;
                }
            }
        } catch (const std::exception&) {
            ++failed;
        }
    }
    std::atomic<bool> is_stopping_{false};
    std::vector<std::thread> threads_;
};

TEST(Reload, UnderLoadChangesALimitWithoutAFailureOrALostCount) {
    const FakeUpstream upstream;
    Gateway gateway(with_rpm(upstream, 1'000'000));
    Load load(gateway);
    ASSERT_TRUE(load.wait_for_admitted(100));
    const int limit = load.admitted + 300;
    gateway.daemon().reload(with_rpm(upstream, limit).text());
    // Those admitted before the reload count too.
    ASSERT_TRUE(load.wait_for_refused(50));
    EXPECT_TRUE(eventually([&] { return load.admitted == limit; }))
        << load.admitted << " are counted when their answers have come, not " << limit;

    gateway.daemon().reload(with_rpm(upstream, limit + 200).text());
    const int refused = load.refused;
    ASSERT_TRUE(load.wait_for_admitted(limit + 200));
    ASSERT_TRUE(load.wait_for_refused(refused + 50));
    load.stop();
    EXPECT_EQ(load.admitted, limit + 200);
    EXPECT_EQ(load.failed, 0);
    EXPECT_EQ(upstream.requests().size(), static_cast<std::size_t>(limit + 200));
}

/// The status of POST /reload, once no other reload runs.
int reload_by_request(const Gateway& gateway) {
    int status = 409;
    static_cast<void>(eventually([&] {
        TestClient client(gateway.daemon().port("admin"));
        client.send("POST /reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
        status = client.read_response().status;
        return status != 409;
    }));
    return status;
}

TEST(Reload, AStormOfValidAndInvalidFilesFailsNothingAndKeepsEveryStream) {
    const Signal end;
    FakeUpstream upstream;
    upstream.answer_with([&end](const ReceivedRequest& request) {
        if (request.body.find("\"stream\":true") == std::string::npos) {
            return Script().send(answer_to(request.target()));
        }
        Script stream;
        stream.send(sse_head() + chunk(chat_event("first")));
        stream.wait(end).send(chunk(chat_event("last")) + chunk(done_event) + chunk(""));
        return stream;
    });
    const ConfigText plain = with_rpm(upstream, 1'000'000);
    ConfigText more = with_rpm(upstream, 1'000'001);
    more.models += "  fresh: {route: [{upstream: up}]}\n";
    ConfigText lost = plain;
    lost.models += "  lost: {route: [{upstream: nowhere}]}\n";
    struct File {
        std::string text;
        int status;
    };
    const File files[] = {{plain.text(), 200},
                          {"users: [", 422},
                          {more.text(), 200},
                          {lost.text(), 422},
                          {plain.text() + "unknown: 1\n", 422}};
    DaemonOptions options;
    // What the address sanitizer keeps back of freed memory must not look like a leak.
    options.environment = {{"ASAN_OPTIONS", "quarantine_size_mb=1"}};
    Gateway gateway(plain, options);

    std::vector<TestClient> streams;
    for (int i = 0; i < 50; ++i) {
        TestClient& client = streams.emplace_back(gateway.connect());
        client.send(chat_request(alice_key, "m", true));
        ASSERT_EQ(client.read_head().status, 200);
        ASSERT_TRUE(client.read_until("first"));
    }
    Load load(gateway);
    std::size_t memory = 0;
    for (int i = 0; i < 200; ++i) {
        const File& file = files[i % 5];
        gateway.daemon().rewrite(file.text);
        if (i % 2 == 0) {
            gateway.daemon().signal(SIGHUP);
        } else {
            ASSERT_EQ(reload_by_request(gateway), file.status) << i;
        }
        if (i == 60) memory = gateway.daemon().resident_bytes();
    }
    EXPECT_LT(gateway.daemon().resident_bytes(), memory + 16 * mebibyte);
    ASSERT_TRUE(load.wait_for_admitted(load.admitted + 100)) << "it serves on";
    load.stop();
    EXPECT_EQ(load.failed, 0);
    EXPECT_EQ(load.refused, 0);

    end.raise();
    for (TestClient& client : streams) {
        const Response response = client.read_rest();
        expect_success(response);
        EXPECT_TRUE(response.body.ends_with(done_event));
    }
    const auto answered = static_cast<std::size_t>(load.admitted) + streams.size();
    EXPECT_EQ(upstream.requests().size(), answered);
    EXPECT_EQ(metric(gateway, "sluicegate_requests_total", {"outcome=\"ok\""}), answered);
}

TEST(Reload, AnInvalidFileChangesNothingAndNamesTheLine) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    Gateway gateway(config);
    EXPECT_EQ(gateway.chat(alice_key, "limited").status, 200);

    ConfigText broken = config;
    broken.models += "  extra: {limits: {rmp: 5}, route: [{upstream: nowhere}]}\n";
    broken.users.clear();
    const std::string text = broken.text() + "  alice:\n    keys:\n" + key_line("x", bob_key);
    const std::size_t line_number =
        1 + static_cast<std::size_t>(std::count(
                text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find("rmp")), '\n'));
    const std::size_t from = gateway.daemon().log_size();
    gateway.daemon().rewrite(text);
    gateway.daemon().signal(SIGHUP);
    const std::string place = "sluicegate.yaml:" + std::to_string(line_number);
    EXPECT_TRUE(gateway.daemon().wait_for_log(
        [&](const nlohmann::json& line) { return line.dump().find(place) != std::string::npos; },
        from))
        << gateway.daemon().log();
    EXPECT_EQ(gateway.chat(bob_key, "m").status, 200) << "bob's own group and key hold on";
    EXPECT_EQ(gateway.chat(alice_key, "limited").status, 200);
    EXPECT_EQ(gateway.chat(alice_key, "limited").status, 200);
    EXPECT_EQ(gateway.chat(alice_key, "limited").status, 429) << "no count was lost";
    EXPECT_EQ(gateway.chat(alice_key, "extra").status, 404);

    gateway.daemon().rewrite("users: [");
    const std::size_t from_second = gateway.daemon().log_size();
    gateway.daemon().signal(SIGHUP);
    EXPECT_TRUE(gateway.daemon().wait_for_log(
        [](const nlohmann::json& line) {
            return line.dump().find("sluicegate.yaml:1") != std::string::npos;
        },
        from_second));
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 200);
}

TEST(Reload, ARevokedKeyIsDeadOnAnOpenConnection) {
    const std::string line = key_line("laptop", alice_key);
    struct Row {
        std::string left;
        const char* change;
    };
    for (const auto& [left, change] : {Row{"", "users.alice.keys.laptop removed"},
                                       Row{key_line("laptop", alice_key, "disabled: true"),
                                           "users.alice.keys.laptop.disabled false -> true"}}) {
        SCOPED_TRACE(change);
        const FakeUpstream upstream;
        ConfigText config(upstream.base_url());
        Gateway gateway(config);
        TestClient client = gateway.connect();
        client.send(chat_request(alice_key, "m"));
        expect_success(client.read_response());

        config.users.replace(config.users.find(line), line.size(), left);
        const std::size_t from = gateway.daemon().log_size();
        gateway.daemon().reload(config.text());
        client.send(chat_request(alice_key, "m"));
        expect_error(client.read_response(), {.status = 401, .code = "invalid_api_key"});
        EXPECT_EQ(gateway.chat(alice_second_key, "m").status, 200);
        const auto told = gateway.daemon().wait_for_event("config_changed", from);
        ASSERT_TRUE(told);
        EXPECT_EQ(told->value("message", ""), change);
    }
}

TEST(Reload, ARunningStreamEndsUnderTheConfigurationItBeganWith) {
    Signal go;
    FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    Gateway gateway(config);
    upstream.answer(Script()
                        .send(sse_head() + chunk(chat_event("one")))
                        .wait(go)
                        .send(chunk(done_event) + chunk("")));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("one"));

    const FakeUpstream other;
    ConfigText moved(other.base_url());
    gateway.daemon().reload(moved.text());
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 200);
    EXPECT_EQ(other.requests().size(), 1U) << "new requests go to the new upstream";
    go.raise();
    const Response response = client.read_rest();
    expect_success(response);
    EXPECT_TRUE(response.body.ends_with(done_event));
}

TEST(Reload, NewModelsAndUsersAppear) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    Gateway gateway(config);
    EXPECT_EQ(gateway.chat("sk-new-user", "fresh").status, 401);
    config.models += "  fresh: {limits: {rpm: 1}, route: [{upstream: up}]}\n";
    config.users += "  dave:\n    keys:\n" + key_line("d", "sk-new-user");
    gateway.daemon().reload(config.text());
    EXPECT_EQ(gateway.chat("sk-new-user", "fresh").status, 200);
    EXPECT_EQ(gateway.chat("sk-new-user", "fresh").status, 429);
}

TEST(Reload, KeepsWarmConnectionsUntilTheyWouldLeadElsewhere) {
    const CertificateAuthority authority;
    for (const bool has_tls : {false, true}) {
        SCOPED_TRACE(has_tls ? "TLS" : "plain");
        FakeUpstream upstream(has_tls ? server_context(authority.issue()) : nullptr);
        const std::string tls = has_tls ? "tls: {ca_file: ca.pem}, " : "";
        const auto config = [&](const std::string& host, const std::string& options) {
            ConfigText text(upstream.base_url(host), tls + options);
            text.threads = "1";
            return text;
        };
        DaemonOptions options;
        options.files = {{"ca.pem", authority.certificate()}};
        Gateway gateway(config("127.0.0.1", "max_in_flight: 5"), options);
        expect_success(gateway.chat(alice_key, "m"));
        EXPECT_EQ(upstream.connections().size(), 1U);

        const std::string numbers = "max_in_flight: 7, timeouts: {total: 1m}, pool: {max_idle: 3}";
        gateway.daemon().reload(config("127.0.0.1", numbers).text());
        expect_success(gateway.chat(alice_key, "m"));
        EXPECT_EQ(upstream.connections().size(), 1U);

        gateway.daemon().reload(config("localhost", numbers).text());
        EXPECT_TRUE(upstream.wait_for_peer_close(0));
        expect_success(gateway.chat(alice_key, "m"));
        EXPECT_EQ(upstream.connections().size(), 2U);
    }
}

}  // namespace
}  // namespace sluicegate::support
