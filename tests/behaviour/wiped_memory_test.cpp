// The memory of the daemon is searched for keys that it no longer needs: those of clients that have
// gone, and those of providers that a reload has replaced.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sluicegate::support {
namespace {

const std::string leaving_client_key = "sk-sg-client-that-leaves-aaaaaaaaaaaaaaaaaaaaaaa";
const std::string leaving_admin_key = "sk-sg-admin-that-leaves-bbbbbbbbbbbbbbbbbbbbbbbb";
const std::string stranger_key = "sk-sg-nobody-knows-this-cccccccccccccccccccccccc";
const std::string replaced_key = "sk-provider-before-dddddddddddddddddddddddddddddd";
const std::string replacing_key = "sk-provider-after-eeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";

/// Larger areas hold no text: the tables of the limiter, and the shadow memory of a sanitizer.
constexpr std::uint64_t area_bytes_max = std::uint64_t{1} << 26;

/// A build with AddressSanitizer leaves one more on a stack: there each frame has its own place.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t left_by_sanitizer = 1;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr std::size_t left_by_sanitizer = 1;
#else
constexpr std::size_t left_by_sanitizer = 0;
#endif
#else
constexpr std::size_t left_by_sanitizer = 0;
#endif

std::size_t count_of(std::string_view needle, std::string_view text) {
    std::size_t count = 0;
    for (;;) {
        // Far faster than find() in a build without optimisation.
        const void* const found = ::memmem(text.data(), text.size(), needle.data(), needle.size());
        if (found == nullptr) return count;
        ++count;
        const char* const behind = static_cast<const char*>(found) + needle.size();
        text.remove_prefix(static_cast<std::size_t>(behind - text.data()));
    }
}

/// How often the key is in the writable memory of the daemon: heap, stacks, data.
std::size_t copies_in(Gateway& gateway, std::string_view key) {
    const std::string folder = "/proc/" + std::to_string(gateway.daemon().pid());
    std::ifstream maps(folder + "/maps");
    const int memory = ::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_GE(memory, 0) << "the memory of the daemon cannot be read";
    std::size_t count = 0;
    std::string area;
    for (std::string line; std::getline(maps, line);) {
        std::istringstream fields(line);
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        char dash = 0;
        std::string rights;
        fields >> std::hex >> begin >> dash >> end >> rights;
        if (!rights.starts_with("rw") || end - begin > area_bytes_max) continue;
        area.resize(std::max(area.size(), end - begin));
        const ssize_t size = ::pread(memory, area.data(), end - begin, static_cast<off_t>(begin));
        if (size <= 0) continue;
        count += count_of(key, std::string_view(area).substr(0, static_cast<std::size_t>(size)));
    }
    ::close(memory);
    return count;
}

void expect_gone(Gateway& gateway, const std::string& key) {
    EXPECT_TRUE(eventually([&] { return copies_in(gateway, key) <= left_by_sanitizer; }))
        << copies_in(gateway, key) << " copies of " << key << " are left";
}

DaemonOptions readable(DaemonOptions options = {}) {
    options.arguments = {"--core-dumps"};  // else the memory cannot be read
    return options;
}

ConfigText config_with_key(const FakeUpstream& upstream, const std::string& provider_key,
                           const std::string& more = {}) {
    ConfigText config(upstream.base_url());
    config.upstreams = "  up: {kind: openai, base_url: \"" + upstream.base_url("localhost") +
                       "\", api_key: \"" + provider_key + "\"" + more + "}\n";
    config.models = "  m: {route: [{upstream: up}]}\n";
    config.groups = "  default: {}\n";
    config.users = "  alice:\n    keys:\n" + key_line("laptop", leaving_client_key);
    return config;
}

std::string chunked_request(const std::string& key) {
    const std::string body = chat_body("m");
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + bearer(key) +
           "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
           chunk(body.substr(0, 9)) + chunk(body.substr(9)) + chunk("");
}

/// The ways in which a key comes in; the second part is sent when the first has arrived.
struct KeyWay {
    std::string name;
    std::vector<std::string> parts;
    std::size_t answers = 1;
    int status = 200;
};

std::vector<KeyWay> key_ways(const std::string& key) {
    const std::string plain = chat_request(key, "m");
    const std::string chunked = chunked_request(key);
    const std::string large_field = "x-large: " + std::string(12'000, 'x') + "\r\n";
    const std::string large_body = R"({"model":"m","messages":[{"role":"user","content":")" +
                                   std::string(200'000, 'x') + "\"}]}";
    const std::size_t in_body = chunked.find("\r\n\r\n") + 8;
    return {
        {"plain", {plain}},
        {"stream", {chat_request(key, "m", true)}},
        {"kept connection", {plain, plain, plain}, 3},
        {"pipelined", {plain + plain + plain}, 3},
        {"large head", {post_json("/v1/chat/completions", key, chat_body("m"), large_field)}},
        {"large body", {post_json("/v1/chat/completions", key, large_body)}},
        {"large body and more",
         {post_json("/v1/chat/completions", key, large_body) + plain + plain},
         3},
        {"cut in the key",
         {plain.substr(0, plain.find(key) + key.size() - 3),
          plain.substr(plain.find(key) + key.size() - 3)}},
        {"chunks", {chunked}},
        {"a message behind chunks",
         {chunked.substr(0, in_body), chunked.substr(in_body) + plain},
         2},
        {"refused", {post_json("/v1/chat/completions", key, R"({"model":"unknown"})")}, 1, 404},
        {"GET", {"GET /v1/models HTTP/1.1\r\nHost: a\r\n" + bearer(key) + "\r\n"}},
    };
}

TEST(WipedMemory, HasNoKeyOfAClientThatLeft) {
    CertificateAuthority authority;
    FakeUpstream upstream;
    ConfigText config = config_with_key(upstream, replaced_key);
    config.listener_tls =
        "    - address: 127.0.0.1:0\n"
        "      tls: {certificate: chain.pem, private_key: key.pem}\n";
    const Identity own = authority.issue();
    DaemonOptions options;
    options.files = {{"chain.pem", own.certificate}, {"key.pem", own.private_key}};
    options.listeners = 3;
    Gateway gateway(config, readable(options));
    const SslContext context = client_context(authority.certificate(), "localhost");
    for (const KeyWay& way : key_ways(leaving_client_key)) {
        for (const bool is_tls : {false, true}) {
            SCOPED_TRACE(way.name + (is_tls ? " over TLS" : ""));
            {
                TestClient client = is_tls ? TestClient(gateway.daemon().port("client_tls"),
                                                        context.get(), "localhost")
                                           : gateway.connect();
                for (const std::string& part : way.parts) {
                    client.send(part);
                    let_time_pass(milliseconds(20));
                }
                for (std::size_t i = 0; i < way.answers; ++i) {
                    EXPECT_EQ(client.read_response().status, way.status);
                }
            }
            expect_gone(gateway, leaving_client_key);
        }
    }
}

TEST(WipedMemory, HasNoKeyOfAStranger) {
    const FakeUpstream upstream;
    Gateway gateway(config_with_key(upstream, replaced_key), readable());
    EXPECT_EQ(gateway.chat(stranger_key, "m").status, 401);
    expect_gone(gateway, stranger_key);
    {
        TestClient client = gateway.connect();
        client.send("POST /v1/chat/completions HTTP/1.1\r\n" + bearer(stranger_key));
        EXPECT_TRUE(eventually([&] { return copies_in(gateway, stranger_key) > 0; }));
    }
    expect_gone(gateway, stranger_key);
}

TEST(WipedMemory, HasNoKeyOfTheAdminPort) {
    const FakeUpstream upstream;
    ConfigText config = config_with_key(upstream, replaced_key);
    config.admin_lines = "  keys:\n" + key_line("prometheus", leaving_admin_key);
    Gateway gateway(config, readable());
    for (const std::string& more : {std::string(), "x-large: " + std::string(6000, 'x') + "\r\n"}) {
        {
            TestClient client(gateway.daemon().port("admin"));
            client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + bearer(leaving_admin_key) +
                        more + "\r\n");
            EXPECT_EQ(client.read_response("GET").status, 200);
        }
        expect_gone(gateway, leaving_admin_key);
    }
}

/// What an upstream answers to each request in turn.
void repeat_the_key(FakeUpstream& upstream, int status) {
    upstream.answer_with([status](const ReceivedRequest& request) {
        const std::string said = std::string(request.head.value("authorization"));
        const std::string text = R"({"error":{"message":")" + said + R"(","type":"a"}})";
        return Script().send(json_response(status, text, "x-request-id: " + said + "\r\n"));
    });
}

/// A provider's key is replaced while a client and the pool keep their connections.
void expect_the_replaced_key_gone(FakeUpstream& upstream, const std::string& options,
                                  DaemonOptions daemon_options = {}) {
    Gateway gateway(config_with_key(upstream, replaced_key, options),
                    readable(std::move(daemon_options)));
    TestClient client = gateway.connect();
    for (const int status : {200, 400, 401, 429, 500, 404}) {
        repeat_the_key(upstream, status);
        client.send(chat_request(leaving_client_key, "m"));
        EXPECT_GT(client.read_response().status, 0);
    }
    EXPECT_GT(copies_in(gateway, replaced_key), 0U);
    const auto line =
        gateway.daemon().reload(config_with_key(upstream, replacing_key, options).text());
    ASSERT_EQ(line.value("event", ""), "reloaded") << line;
    expect_gone(gateway, replaced_key);
    repeat_the_key(upstream, 400);
    client.send(chat_request(leaving_client_key, "m"));
    EXPECT_GT(client.read_response().status, 0);
}

TEST(WipedMemory, HasNoProviderKeyThatAReloadReplaced) {
    FakeUpstream upstream;
    expect_the_replaced_key_gone(upstream, "");
}

TEST(WipedMemory, HasNoProviderKeyThatWasSentOverTls) {
    const CertificateAuthority authority;
    FakeUpstream upstream(server_context(authority.issue()));
    DaemonOptions options;
    options.files = {{"ca.pem", authority.certificate()}};
    expect_the_replaced_key_gone(upstream, ", tls: {ca_file: ca.pem}", options);
}

TEST(WipedMemory, HasNoHeaderAndNoProxyPasswordThatAReloadReplaced) {
    const FakeUpstream upstream;
    const auto config = [&](const std::string& key) {
        return config_with_key(upstream, replacing_key,
                               ", headers: {x-team-token: " + key + ", cookie: a=" + key +
                                   "}, proxy: \"http://user:" + key + "@127.0.0.1:1\"");
    };
    Gateway gateway(config(replaced_key), readable());
    EXPECT_EQ(gateway.chat(leaving_client_key, "m").status, 502);
    EXPECT_GT(copies_in(gateway, replaced_key), 0U);
    ASSERT_EQ(gateway.daemon().reload(config(replacing_key).text()).value("event", ""), "reloaded");
    expect_gone(gateway, replaced_key);
}

TEST(WipedMemory, HasNoProviderKeyOfAFileThatWasRefused) {
    const FakeUpstream upstream;
    Gateway gateway(config_with_key(upstream, replaced_key), readable());
    const std::string wrong = config_with_key(upstream, replacing_key).text() + "unknown: 1\n";
    ASSERT_EQ(gateway.daemon().reload(wrong).value("event", ""), "reload_failed");
    expect_gone(gateway, replacing_key);
}

TEST(WipedMemory, HoldsAProviderKeyOnlyWhereItIsNeeded) {
    const FakeUpstream upstream;
    for (const bool is_in_file : {false, true}) {
        SCOPED_TRACE(is_in_file);
        DaemonOptions options;
        options.files = {{"key", replaced_key + "\n"}};
        ConfigText config = config_with_key(upstream, is_in_file ? "file:key" : replaced_key);
        config.threads = "2";
        Gateway gateway(config, readable(options));
        expect_success(gateway.chat(leaving_client_key, "m"));
        // The configuration, what is looked for in the words of upstreams, and the fields of
        // requests for each of two workers.
        EXPECT_TRUE(eventually([&] {
            return copies_in(gateway, replaced_key) <= 4 + left_by_sanitizer;
        })) << copies_in(gateway, replaced_key);
    }
}

}  // namespace
}  // namespace sluicegate::support
