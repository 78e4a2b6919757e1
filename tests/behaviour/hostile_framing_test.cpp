// Messages that two parsers could read differently: refused, and the connection ended.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

/// A second request that must never be answered: an answer means that a body was taken for a
/// request.
const std::string smuggled = "GET /v1/models HTTP/1.1\r\nHost: a\r\n" + bearer(alice_key) + "\r\n";

std::string post(const std::string& fields, const std::string& body,
                 const std::string& version = "HTTP/1.1", const std::string& host = "Host: a\r\n") {
    return "POST /v1/chat/completions " + version + "\r\n" + host + bearer(alice_key) +
           "Content-Type: application/json\r\n" + fields + "\r\n" + body;
}

std::string get(const std::string& target, const std::string& fields = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + bearer(alice_key) + fields + "\r\n";
}

class HostileFraming : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    /// Sends the bytes with another request right behind; checks that there is one answer at most,
    /// then the end, and that nothing reached the upstream.
    Response refused(const std::string& bytes) {
        TestClient client = gateway_.connect();
        client.send(bytes + smuggled);
        const Response response = client.read_response();
        EXPECT_NE(client.read_to_end(), ReadEnd::timeout) << "the connection must end";
        EXPECT_EQ(client.unread(), "") << "a second answer";
        EXPECT_TRUE(upstream_.requests().empty());
        return response;
    }
};

TEST_F(HostileFraming, AmbiguousMessagesAre400AndClose) {
    const std::string body = chat_body("m");
    const std::string sized = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const std::string chunked = chunk(body) + chunk("");
    struct Row {
        std::string name;
        std::string bytes;
    };
    std::vector<Row> rows{
        {"CL and TE", post(sized + "Transfer-Encoding: chunked\r\n", chunked)},
        {"TE and CL", post("Transfer-Encoding: chunked\r\n" + sized, chunked)},
        {"TE in HTTP/1.0", post("Transfer-Encoding: chunked\r\n", chunked, "HTTP/1.0")},
        {"TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunked)},
        {"CL twice, equal", post(sized + sized, body)},
        {"CL twice, different", post(sized + "Content-Length: 3\r\n", body)},
        {"space before the colon", post("Transfer-Encoding : chunked\r\n", chunked)},
        {"obs-fold", post("X-A: b\r\n c\r\n" + sized, body)},
        {"obs-fold hides TE", post("X-A: b\r\n\tTransfer-Encoding: chunked\r\n" + sized, body)},
        {"bare LF", post("X-A: b\nX-C: d\r\n" + sized, body)},
        {"bare CR", post("X-A: b\rX-C: d\r\n" + sized, body)},
        {"NUL in a value", post(std::string("X-A: b\0c\r\n", 10) + sized, body)},
        {"no colon", post("X-A\r\n" + sized, body)},
        {"empty name", post(": x\r\n" + sized, body)},
        {"space in a name", post("X A: b\r\n" + sized, body)},
        {"fields start with a space", post(" X-A: b\r\n" + sized, body, "HTTP/1.1", "")},
        {"no Host", post(sized, body, "HTTP/1.1", "")},
        {"two Hosts", post(sized, body, "HTTP/1.1", "Host: a\r\nHost: b\r\n")},
        {"two equal Hosts", post(sized, body, "HTTP/1.1", "Host: a\r\nHost: a\r\n")},
        {"empty Host", post(sized, body, "HTTP/1.1", "Host: \r\n")},
        {"HTTP/2.0", post(sized, body, "HTTP/2.0")},
        {"lower-case version", post(sized, body, "http/1.1")},
        {"no version", "GET /v1/models\r\nHost: a\r\n\r\n"},
        {"two spaces", "GET  /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"tab", "GET\t/v1/models HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"bare LF request line", "GET /v1/models HTTP/1.1\nHost: a\r\n\r\n"},
        {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)},
    };
    for (const std::string name :
         {"Transfer_Encoding", "transfer.encoding", "TransferEncoding", "-Transfer-Encoding-",
          "Content_Length", "CONTENT!LENGTH", "contentlength"}) {
        rows.push_back({"look-alike " + name, post(name + ": chunked\r\n" + sized, body)});
    }
    for (const std::string value :
         {"identity", "xchunked", "chunked, chunked", "gzip", "", "\"chunked\"", "chunked;q=1",
          "gzip, chunked", "chunked,", "\vchunked"}) {
        rows.push_back({"TE: " + value, post("Transfer-Encoding: " + value + "\r\n", chunked)});
    }
    for (const std::string value :
         {"5, 5", "+5", "-1", "5x", "0x5", "", "5 5", "99999999999999999999", "1e3", "5;"}) {
        rows.push_back({"CL: " + value, post("Content-Length: " + value + "\r\n", body)});
    }
    for (const std::string host :
         {"a b", "a/b", "user@a", "a,b", "a:port", "a\\b", "[::1", "a#b"}) {
        rows.push_back({"Host: " + host, post(sized, body, "HTTP/1.1", "Host: " + host + "\r\n")});
    }
    for (const std::string target : {"v1/models", "/v1/models#x", "/v1\\models", "/v1/\x01models",
                                     "/v1/\xc3\xa9", "*", "http://other.test/v1/models"}) {
        rows.push_back({"target " + target, get(target)});
    }
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response = refused(row.bytes);
        expect_error(response, {.status = 400, .code = "bad_request"});
    }
}

TEST_F(HostileFraming, BrokenChunksAre400AndClose) {
    struct Row {
        std::string name;
        std::string body;
    };
    const std::vector<Row> rows{
        {"bare LF after the size", "5\nhello\r\n0\r\n\r\n"},
        {"bare LF after the data", "5\r\nhello\n0\r\n\r\n"},
        {"no CRLF after the data", "5\r\nhelloXX0\r\n\r\n"},
        {"size is not hex", "zz\r\nhello\r\n0\r\n\r\n"},
        {"size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"},
        {"negative size", "-5\r\nhello\r\n0\r\n\r\n"},
        {"size with a sign", "+5\r\nhello\r\n0\r\n\r\n"},
        {"size overflows", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"},
        {"size near 2^64", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"},
        {"empty size", "\r\nhello\r\n0\r\n\r\n"},
        {"space before the size", " 5\r\nhello\r\n0\r\n\r\n"},
        {"long extension", "5;" + std::string(300, 'x') + "\r\nhello\r\n0\r\n\r\n"},
        {"LF in an extension", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"},
        {"long trailers", "0\r\n" + std::string(20'000, 'x') + ": y\r\n\r\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response = refused(post("Transfer-Encoding: chunked\r\n", row.body));
        EXPECT_TRUE(response.status == 400 || response.status == 413) << response.status;
    }
}

TEST_F(HostileFraming, OversizeHeadsAreRefusedAsSoonAsTheyAreCertain) {
    std::string many;
    for (int i = 0; i < 101; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
    expect_error(refused(get("/v1/models", many)), {.status = 431, .code = "header_too_large"});
    expect_error(refused(get("/v1/models", "X-Long: " + std::string(17'000, 'x') + "\r\n")),
                 {.status = 431, .code = "header_too_large"});
    expect_error(refused(get("/v1/" + std::string(9'000, 'x'))),
                 {.status = 414, .code = "uri_too_long"});
    // No end of the head in sight: the answer comes all the same.
    TestClient client = gateway_.connect();
    client.send("GET /v1/models HTTP/1.1\r\nX: " + std::string(40'000, 'x'));
    EXPECT_EQ(client.read_response("GET").status, 431);
}

TEST_F(HostileFraming, UnknownMethodsAreRefused) {
    for (const std::string method : {"FOO", "get", "PRI", "M-SEARCH"}) {
        SCOPED_TRACE(method);
        const Response response = gateway_.send(method + " /v1/models HTTP/1.1\r\nHost: a\r\n" +
                                                bearer(alice_key) + "\r\n");
        EXPECT_TRUE(response.status == 400 || response.status == 405 || response.status == 501)
            << response.status;
    }
    const Response connect = gateway_.send("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    EXPECT_EQ(connect.status, 405);
    EXPECT_TRUE(upstream_.connections().empty());
}

TEST_F(HostileFraming, HonestTrafficGoesOnBesideIt) {
    for (int i = 0; i < 50; ++i) {
        TestClient client = gateway_.connect();
        client.send("\x00\x01garbage\r\n\r\n");
        if (i % 2 == 0) client.wire().reset();
    }
    expect_success(gateway_.chat(alice_key, "m"));
}

}  // namespace
}  // namespace sluicegate::support
