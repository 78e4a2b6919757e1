// What becomes of a request body: read in any framing, inspected, spliced, or refused.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class RequestBody : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    Response post(std::string_view body, std::string_view path = "/v1/chat/completions") {
        return gateway_.send(post_json(path, alice_key, body));
    }
};

TEST_F(RequestBody, PassesByteForByte) {
    const std::string body =
        "{ \"seed\": 123456789012345678901234567890,\n\t\"messages\": [{\"role\":\"user\","
        "\"content\":\"\\u00e9 \xc3\xa9 \\ud83d\\ude00\"}],  \"model\" : \"m\" , \"x\":1.50e+3 }\n";
    expect_success(post(body));
    EXPECT_EQ(upstream_.requests().at(0).body, body);
    EXPECT_EQ(upstream_.requests().at(0).head.value("content-length"), std::to_string(body.size()));
}

TEST_F(RequestBody, AModelWithAnotherNameUpstreamIsSpliced) {
    const std::string before = "{ \"messages\":[{\"role\":\"user\",\"content\":\"renamed\"}],\"";
    const std::string after = " , \"seed\": 12345678901234567890, \"metadata\":{\"model\":\"m\"} }";
    for (const std::string name : {"model\": \"renamed\"", "mod\\u0065l\": \"ren\\u0061med\""}) {
        SCOPED_TRACE(name);
        expect_success(post(before + name + after));
        const ReceivedRequest received = upstream_.requests().back();
        const std::string key = name.substr(0, name.find(':'));
        EXPECT_EQ(received.body, before + key + ": \"provider/renamed-2024\"" + after);
        EXPECT_EQ(received.head.value("content-length"), std::to_string(received.body.size()));
    }
}

TEST_F(RequestBody, TheModelMayStandAfterAMegabyte) {
    const std::string body = R"({"messages":[{"role":"user","content":")" +
                             std::string(std::size_t{1} << 20, 'x') + R"("}],"model":"renamed"})";
    expect_success(post(body));
    const std::string received = upstream_.requests().at(0).body;
    EXPECT_TRUE(received.ends_with(R"("model":"provider/renamed-2024"})"));
    EXPECT_EQ(received.size(), body.size() - 7 + 21);
}

TEST_F(RequestBody, ChunkedUploadsWork) {
    const std::string body = chat_body("renamed");
    std::string bytes = "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + bearer(alice_key) +
                        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char c : body) bytes += chunk(std::string(1, c));
    bytes += "0\r\nX-Trailer: dropped\r\n\r\n";
    TestClient client = gateway_.connect();
    client.send_in_pieces(bytes, 7);
    expect_success(client.read_response());
    const ReceivedRequest received = upstream_.requests().at(0);
    EXPECT_NE(received.body.find(R"("model":"provider/renamed-2024"})"), std::string::npos);
    EXPECT_FALSE(received.head.has("x-trailer"));
    EXPECT_EQ(upstream_.connections().at(0).received.find("X-Trailer"), std::string::npos);
    client.send(chat_request(alice_key, "m"));
    expect_success(client.read_response());
}

TEST_F(RequestBody, ExpectContinueIsAnsweredAfterTheChecks) {
    const std::string body = chat_body("m");
    const std::string head =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n";
    TestClient client = gateway_.connect();
    client.send(head + bearer(alice_key) + "\r\n");
    ASSERT_TRUE(client.read_raw_until("HTTP/1.1 100 Continue\r\n\r\n"));
    client.send(body);
    const Response response = client.read_response();
    expect_success(response);
    EXPECT_EQ(response.interim, std::vector<int>{100});
    EXPECT_FALSE(upstream_.requests().at(0).head.has("expect"));

    TestClient refused = gateway_.connect();
    refused.send(head + "\r\n");
    const Response answer = refused.read_response();
    expect_error(answer, {.status = 401, .code = "missing_api_key"});
    EXPECT_TRUE(answer.interim.empty());
    EXPECT_EQ(to_lower(answer.field("connection")), "close");
}

TEST_F(RequestBody, AnotherExpectationIs417) {
    expect_error(gateway_.send(post_json("/v1/chat/completions", alice_key, chat_body("m"),
                                         "Expect: something\r\n")),
                 {.status = 417, .code = "expectation_failed"});
}

TEST_F(RequestBody, WhatCannotBeInspectedIsRefused) {
    struct Row {
        std::string name, body;
        int status;
        std::string code;
        nlohmann::json param;
    };
    const nlohmann::json none;
    const std::vector<Row> rows{
        {"empty", "", 400, "invalid_json", none},
        {"cut", R"({"model":"m")", 400, "invalid_json", none},
        {"trailing garbage", R"({"model":"m"} x)", 400, "invalid_json", none},
        {"two values", R"({"model":"m"}{"model":"m"})", 400, "invalid_json", none},
        {"BOM", "\xef\xbb\xbf{\"model\":\"m\"}", 400, "invalid_json", none},
        {"NaN", R"({"model":"m","x":NaN})", 400, "invalid_json", none},
        {"bad UTF-8", "{\"model\":\"m\",\"x\":\"\xff\"}", 400, "invalid_json", none},
        {"array", "[]", 400, "invalid_body", none},
        {"no model", R"({"messages":[]})", 400, "missing_required_parameter", "model"},
        {"model is a number", R"({"model":5})", 400, "invalid_type", "model"},
        {"stream is a string", R"({"model":"m","stream":"true"})", 400, "invalid_type", "stream"},
        {"model twice", R"({"model":"m","model":"m"})", 400, "duplicate_field", "model"},
        {"model twice, once escaped", R"({"model":"m","mod\u0065l":"other"})", 400,
         "duplicate_field", "model"},
        {"stream twice", R"({"model":"m","stream":false,"stream":true})", 400, "duplicate_field",
         "stream"},
        {"unknown model", R"({"model":"nope"})", 404, "model_not_found", "model"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response =
            row.body.empty()
                ? gateway_.send(request("POST", "/v1/chat/completions",
                                        bearer(alice_key) + "Content-Type: application/json\r\n"
                                                            "Content-Length: 0\r\n"))
                : post(row.body);
        expect_error(response, {.status = row.status, .code = row.code, .param = row.param});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(RequestBody, DeepNestingIsRefusedNotSurvivedByLuck) {
    const std::string body =
        R"({"model":"m","x":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    EXPECT_EQ(post(body).status, 400);
    expect_success(post(chat_body("m")));
}

TEST_F(RequestBody, OtherMediaTypesAndEncodingsAre415) {
    for (const std::string fields :
         {"Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
          "Content-Type: application/json\r\nContent-Encoding: compress\r\n"}) {
        SCOPED_TRACE(fields);
        expect_error(gateway_.send(request("POST", "/v1/chat/completions",
                                           bearer(alice_key) + fields, chat_body("m"))),
                     {.status = 415, .code = "unsupported_media_type"});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(RequestBody, AMissingOrWrongContentTypeSaysWhatToSend) {
    struct Row {
        std::string path, fields, body, message;
        int status = 415;
        std::string code = "unsupported_media_type";
    };
    const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
    const std::string json = "Content-Type: application/json\r\n";
    const std::string unsupported = "Unsupported Content-Type for this endpoint: ";
    const std::vector<Row> rows{
        {"/v1/chat/completions", "", chat_body("m"),
         unsupported + "it is missing, send application/json."},
        {"/v1/embeddings", form, "model=m", unsupported + "send application/json."},
        {"/v1/audio/transcriptions", json, chat_body("m"),
         unsupported + "send multipart/form-data with a boundary."},
        {"/v1/images/edits", "", "x",
         unsupported +
             "it is missing, send application/json or multipart/form-data with a boundary."},
        {"/v1/responses", json + "Content-Length: 0\r\n", "",
         "The request body is empty. Send a JSON object.", 400, "invalid_json"},
        {"/v1/chat/completions", json + "Transfer-Encoding: chunked\r\n", "0\r\n\r\n",
         "The request body is empty. Send a JSON object.", 400, "invalid_json"},
        {"/v1/audio/translations",
         "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 0\r\n", "",
         "The request body is not what this endpoint takes (it is empty).", 400, "invalid_body"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path + row.fields);
        const bool is_framed = row.fields.find("Length") != std::string::npos ||
                               row.fields.find("Transfer") != std::string::npos;
        std::string bytes = request("POST", row.path, bearer(alice_key) + row.fields,
                                    is_framed ? std::string() : row.body);
        if (is_framed) bytes += row.body;
        expect_error(gateway_.send(bytes),
                     {.status = row.status, .code = row.code, .message = row.message});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(RequestBody, MultipartWithTheFileBeforeTheModelIsSplicedToo) {
    const std::string start =
        "--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
        "Content-Type: audio/wav\r\n\r\n" +
        std::string("RIFF\0\xff\r\n--b0und\r\nmodel", 23) +
        "\r\n--b0undary\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
    const std::string end =
        "\r\n--b0undary\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nen"
        "\r\n--b0undary--\r\n";
    expect_success(gateway_.send(
        request("POST", "/v1/audio/transcriptions",
                bearer(alice_key) + "Content-Type: multipart/form-data; boundary=b0undary\r\n",
                start + "renamed" + end)));
    const ReceivedRequest received = upstream_.requests().at(0);
    EXPECT_EQ(received.body, start + "provider/renamed-2024" + end);
    EXPECT_EQ(received.head.value("content-type"), "multipart/form-data; boundary=b0undary");
    EXPECT_EQ(received.target(), "/v1/audio/transcriptions");
}

TEST_F(RequestBody, MultipartIsReadAsItsStandardHasIt) {
    const std::string model = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n";
    const std::string file =
        "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"\xc3\xa9.png\"\r\n"
        "Content-Type: image/png\r\n\r\n\x89PNG\r\n--c\r\n\r\n";
    const std::string plain_type = "multipart/form-data; boundary=b";
    struct Row {
        std::string name, type, body;
    };
    for (const Row& row : std::vector<Row>{
             {"a preamble", plain_type, "This is a form.\r\n" + model + file + "--b--\r\n"},
             {"an epilogue", plain_type, model + file + "--b--\r\nbye"},
             {"blanks behind the last delimiter", plain_type, model + file + "--b-- \t\r\n"},
             {"a charset", plain_type + "; charset=ISO-8859-1", model + file + "--b--"},
             {"a type of the part", plain_type,
              "--b\r\nContent-Type: text/plain; charset=us-ascii\r\n" + model.substr(5) + file +
                  "--b--"},
             {"a coding of the part", plain_type,
              "--b\r\nContent-Transfer-Encoding: 8bit\r\n" + model.substr(5) + file + "--b--"},
             {"a quoted boundary", "multipart/form-data;charset=utf-8;boundary=\"b\"",
              file + model + "--b--"},
         }) {
        for (const std::string path : {"/v1/images/edits", "/v1/audio/transcriptions",
                                       "/v1/images/variations", "/v1/audio/translations"}) {
            SCOPED_TRACE(row.name + path);
            const std::string fields = bearer(alice_key) + "Content-Type: " + row.type + "\r\n";
            expect_success(gateway_.send(request("POST", path, fields, row.body)));
            const ReceivedRequest received = upstream_.requests().back();
            EXPECT_EQ(received.target(), path);
            EXPECT_NE(received.body.find("\x89PNG\r\n--c\r\n\r\n"), std::string::npos);
            EXPECT_EQ(received.body.find("This is a form"), std::string::npos);
        }
    }
}

TEST_F(RequestBody, MultipartMayEndAsOldSdksEndIt) {
    // openai-node 4 (form-data-encoder) writes two line ends behind the last delimiter.
    for (const std::string end : {"", "\r\n", "\r\n\r\n"}) {
        const std::string body =
            "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--" + end;
        expect_success(gateway_.send(request(
            "POST", "/v1/audio/transcriptions",
            bearer(alice_key) + "Content-Type: multipart/form-data; boundary=b\r\n", body)));
        EXPECT_EQ(upstream_.requests().back().body, body);
    }
}

TEST_F(RequestBody, WhatOtherParsersWouldReadOtherwiseIsRefused) {
    const auto form = [&](const std::string& type, const std::string& part) {
        return gateway_.send(
            request("POST", "/v1/audio/transcriptions",
                    bearer(alice_key) + "Content-Type: " + type + "\r\n",
                    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
                    "--b\r\nContent-Disposition: form-data; " +
                        part + "\r\n--b--\r\n"));
    };
    const std::string type = "multipart/form-data; boundary=b";
    const std::string plain = "name=\"a\"\r\n\r\nx";
    for (const std::string json : {"application/json; charset*0=utf-7",
                                   "application/json; charset=utf-8; charset*=utf-8''utf-7"}) {
        SCOPED_TRACE(json);
        expect_error(gateway_.send(request("POST", "/v1/chat/completions",
                                           bearer(alice_key) + "Content-Type: " + json + "\r\n",
                                           chat_body("m"))),
                     {.status = 415, .code = "unsupported_media_type"});
    }
    expect_error(form(type + "; boundary*0=c", plain),
                 {.status = 415, .code = "unsupported_media_type"});
    for (const std::string part :
         {"name=\"a\"; name*0=\"mod\"; name*1=\"el\"\r\n\r\nbig",
          "name=\"a\"\r\n\r\nx\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbig",
          "name=\"_Charset_\"\r\n\r\nutf-7"}) {
        SCOPED_TRACE(part);
        EXPECT_EQ(form(type, part).status, 400);
    }
    expect_error(form(type, "name=\"image[file_id]\"\r\n\r\nf"),
                 {.status = 400, .code = "field_not_allowed", .param = "file_id"});
    EXPECT_TRUE(upstream_.requests().empty());
    expect_success(form("Multipart/Form-Data; x=y; boundary=\"b\"", plain));
    EXPECT_EQ(upstream_.requests().back().head.value("content-type"), type);
}

TEST_F(RequestBody, TwoModelPartsAreRefused) {
    const std::string part = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n";
    expect_error(gateway_.send(request(
                     "POST", "/v1/audio/transcriptions",
                     bearer(alice_key) + "Content-Type: multipart/form-data; boundary=b\r\n",
                     part + part + "--b--\r\n")),
                 {.status = 400, .code = "duplicate_field", .param = "model"});
    EXPECT_TRUE(upstream_.requests().empty());
}

}  // namespace
}  // namespace sluicegate::support
