// Offers to upgrade the connection: those that are not wanted are ignored, a WebSocket handshake is
// told what to do instead, and HTTP/2 without being asked gets an answer that it can read.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view websocket_fields =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

class UpgradeOffers : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

TEST_F(UpgradeOffers, ThatAreNotWantedAreIgnored) {
    const std::vector<std::string> offers{
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
        "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n",
        "Upgrade: h2c\r\n",
        "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n",
        "Connection: Upgrade\r\nUpgrade: h3, random-protocol/9.1, Websockets\r\n",
        // Only a GET is a handshake.
        std::string(websocket_fields),
        "Connection: upgrade\r\nUpgrade: IRC/6.9\r\nUpgrade: RTA/x11\r\n",
        "Connection: upgrade\r\nUpgrade: \"x\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    };
    TestClient client = gateway_.connect();
    for (const std::string& offer : offers) {
        SCOPED_TRACE(offer);
        client.send(post_json("/v1/chat/completions", alice_key, chat_body("m"), offer));
        const Response response = client.read_response();
        expect_success(response);
        EXPECT_EQ(response.field("upgrade"), "");
        EXPECT_EQ(response.field("connection"), "");
    }
    const std::string& list_offer = offers.front();
    client.send(request("GET", "/v1/models", bearer(alice_key) + list_offer) +
                post_json("/v1/embeddings", alice_key, R"({"model":"m","input":"x"})", list_offer));
    expect_success(client.read_response("GET"));
    expect_success(client.read_response());
    for (const ReceivedRequest& received : upstream_.requests()) {
        EXPECT_EQ(received.head.count("upgrade"), 0U);
        EXPECT_EQ(received.head.count("http2-settings"), 0U);
    }
}

TEST_F(UpgradeOffers, AWebSocketHandshakeIs426OnEveryPath) {
    for (const std::string path : {"/v1/responses", "/v1/realtime?model=m", "/v1/chat/completions",
                                   "/v1/models", "/responses", "/no/such/path"}) {
        for (const std::string& fields :
             {bearer(alice_key) + std::string(websocket_fields), std::string(websocket_fields),
              bearer(alice_key) + "Upgrade: h2c, WebSocket\r\nConnection: keep-alive\r\n" +
                  "Connection: upgrade\r\n"}) {
            SCOPED_TRACE(path + "\n" + fields);
            TestClient client = gateway_.connect();
            client.send(request("GET", path, fields));
            const Response response = client.read_response("GET");
            expect_error(response, {.status = 426, .code = "websocket_not_supported"});
            EXPECT_EQ(response.field("upgrade"), "HTTP/1.1");
            EXPECT_EQ(response.field("connection"), "upgrade, close");
            EXPECT_EQ(response.field("x-should-retry"), "false");
            EXPECT_EQ(client.read_to_end(), ReadEnd::eof) << "the connection ends";
        }
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(UpgradeOffers, Http2WithPriorKnowledgeIsAnsweredInHttp2) {
    constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv;
    constexpr std::string_view settings = "\0\0\0\4\0\0\0\0\0"sv;
    // GET, http, / and a name, on stream 1; RFC 7541, appendix A.
    constexpr std::string_view headers = "\0\0\6\1\5\0\0\0\1\x82\x86\x84\x41\1a"sv;
    const std::string all = std::string(preface) + std::string(settings) + std::string(headers);
    for (const std::size_t first : {all.size(), preface.size() - 10, preface.size() + 4}) {
        SCOPED_TRACE(first);
        TestClient client = gateway_.connect();
        client.send(all.substr(0, first));
        if (first < all.size()) client.send(all.substr(first));
        const std::string answer = client.read_raw();
        EXPECT_TRUE(answer.starts_with(settings));
        EXPECT_NE(answer.find("\0\7:status\3"
                              "505"sv),
                  std::string::npos);
        EXPECT_NE(answer.find("http_version_not_supported"), std::string::npos);
        EXPECT_NE(answer.find("\0\0\0\1\0\0\0\x0d"
                              "HTTP/2 is not supported. Use HTTP/1.1"sv),
                  std::string::npos)
            << "GOAWAY";
    }
    // Without a request it is still told to go away.
    TestClient client = gateway_.connect();
    client.send(preface);
    EXPECT_NE(client.read_raw().find("Use HTTP/1.1"), std::string::npos);
}

}  // namespace
}  // namespace sluicegate::support
