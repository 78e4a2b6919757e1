// Each secret that the gateway holds is planted, and upstreams repeat all that they get, in every
// way of failing. No secret may be in what a client, an operator or a log reader sees.
#include "behaviour/harness.hpp"
#include "support/temporary_folder.hpp"
#include "support/tunnel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::support {
namespace {

const std::string first_key = "sk-first/Key+1-777777777777777777777777777";
const std::string second_key = "sk-second_Key-8888888888888888888888888888";
const std::string new_key = "sk-rotated-Key-9999999999999999999999999999";
const std::string header_value = "team \"quoted\\value\" & <secret>";
const std::string proxy_password = "proxy/Pass+word-66666666";
const std::string planted_admin_key = "sk-admin/Key+of-prometheus-5555555555555555";
const std::string planted_wrong_admin_key = "sk-admin/Key+that-is-wrong-44444444444444";

std::string base64_of(std::string_view text) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        unsigned value = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            value =
                value << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            out += i + j > text.size() ? '=' : digits[value >> (18 - 6 * j) & 63U];
        }
    }
    return out;
}

std::string escaped(std::string_view text, std::string_view mark, bool escapes_all) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (!escapes_all && (std::isalnum(byte) != 0 || c == '-' || c == '_')) {
            out += c;
        } else {
            (((out += mark) += digits[byte >> 4]) += digits[byte & 15U]);
        }
    }
    return out;
}

std::string json_text_of(const std::string& text) {
    const std::string quoted = nlohmann::json(text).dump();
    return quoted.substr(1, quoted.size() - 2);
}

/// The forms in which a secret is looked for.
std::vector<std::string> forms_of(const std::string& secret) {
    std::vector<std::string> forms{secret,
                                   json_text_of(secret),
                                   json_text_of(json_text_of(secret)),
                                   escaped(secret, "%", false),
                                   escaped(secret, "%", true),
                                   escaped(secret, "\\u00", true),
                                   escaped(secret, "", true)};
    for (const std::string before : {"", ".", ".."}) {
        // Without the digits that depend on what stands before and behind.
        const std::string text = base64_of(before + secret);
        forms.push_back(text.substr(4, (text.size() / 4 - 2) * 4));
    }
    return forms;
}

void expect_no_secret(const std::string& text, const std::string& where) {
    for (const std::string& secret :
         {first_key, second_key, new_key, header_value, proxy_password, planted_admin_key,
          planted_wrong_admin_key, std::string(alice_key)}) {
        for (const std::string& form : forms_of(secret)) {
            EXPECT_EQ(text.find(form), std::string::npos) << where << " holds " << form << ":\n"
                                                          << text.substr(0, 4000);
        }
    }
}

std::string text_of(const Response& response) {
    std::string text = response.head.start_line + "\n";
    for (const auto& [name, value] : response.head.fields) text += name + ": " + value + "\n";
    return text + response.body;
}

/// All that came, once more in each form.
std::string echo_of(const ReceivedRequest& request) {
    std::string head = request.head.start_line + "\r\n";
    for (const auto& [name, value] : request.head.fields) head += name + ": " + value + "\r\n";
    return head + "\n" + escaped(head, "%", false) + " " + escaped(head, "%", true) + " " +
           base64_of(head) + " " + escaped(head, "", true) + " " + json_text_of(head) + "\n" +
           request.body.substr(0, 2000);
}

using AnswerMaker = std::function<std::string(const std::string& echo, const std::string& key)>;

struct Way {
    std::string name;
    AnswerMaker answer;
};

std::string error_json(const std::string& echo) {
    return nlohmann::json{{"error",
                           {{"message", echo},
                            {"type", "invalid_request_error"},
                            {"code", echo.substr(0, 3000)},
                            {"param", echo}}}}
        .dump();
}

/// Fields that a client gets, with the key in them.
std::string leaking_fields(const std::string& key) {
    return "x-request-id: req " + key + "\r\nopenai-version: " + base64_of(key) +
           "\r\nopenai-processing-ms: " + escaped(key, "%", true) +
           "\r\ncontent-disposition: attachment; filename=\"" + key + "\"\r\nretry-after: " + key +
           "\r\nx-ratelimit-limit-requests: " + key + "\r\n";
}

std::string event_stream(const std::string& events, const std::string& key) {
    return sse_head(leaking_fields(key)) + chunk(events.substr(0, events.size() / 2)) +
           chunk(events.substr(events.size() / 2)) + chunk("");
}

std::vector<Way> ways_of_statuses() {
    std::vector<Way> ways;
    for (const int status : {400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503}) {
        const std::string name = std::to_string(status);
        ways.push_back({name + " JSON", [status](const auto& echo, const auto& key) {
                            return json_response(status, error_json(echo), leaking_fields(key));
                        }});
        ways.push_back({name + " detail", [status](const auto& echo, const auto&) {
                            return json_response(status, nlohmann::json{{"detail", echo}}.dump());
                        }});
        ways.push_back({name + " text", [status](const auto& echo, const auto&) {
                            return response(status, "text/plain", echo);
                        }});
        ways.push_back({name + " HTML", [status](const auto& echo, const auto&) {
                            return response(status, "text/html", "<pre>" + echo + "</pre>");
                        }});
    }
    return ways;
}

std::vector<Way> other_ways() {
    return {
        {"400 object as message",
         [](const auto& echo, const auto&) {
             return json_response(
                 400, nlohmann::json{{"error", {{"message", {{"request", echo}}}}}}.dump());
         }},
        {"400 ASCII only, slashes escaped",
         [](const auto& echo, const auto& key) {
             const std::string all = escaped(key, "\\u00", true);
             return json_response(
                 400, R"({"error":{"message":"key )" + all + R"( of ")" + "}}" + echo.substr(0, 0));
         }},
        {"400 cut in the key",
         [](const auto&, const auto& key) {
             return json_response(400, error_json(std::string(4096 - key.size() / 2, 'x') + key));
         }},
        {"400 in chunks",
         [](const auto& echo, const auto&) {
             std::string out = response_head(
                 400, "content-type: application/json\r\ntransfer-encoding: chunked\r\n");
             const std::string body = error_json(echo);
             for (std::size_t i = 0; i < body.size(); i += 7) out += chunk(body.substr(i, 7));
             return out + chunk("");
         }},
        {"400 cut body",
         [](const auto& echo, const auto&) {
             return response_head(400,
                                  "content-type: application/json\r\ncontent-length: 99999\r\n") +
                    error_json(echo);
         }},
        {"200 JSON error",
         [](const auto& echo, const auto& key) {
             return json_response(200, error_json(echo), leaking_fields(key));
         }},
        {"200 JSON error in a list",
         [](const auto& echo, const auto&) {
             return json_response(200, "[" + error_json(echo) + "]");
         }},
        {"200 flat error",
         [](const auto& echo, const auto&) {
             return json_response(200,
                                  nlohmann::json{{"object", "error"}, {"message", echo}}.dump());
         }},
        {"200 error in a choice",
         [](const auto& echo, const auto&) {
             return json_response(
                 200, nlohmann::json{{"choices", {{{"error", {{"message", echo}}}}}}}.dump());
         }},
        {"200 with fields",
         [](const auto&, const auto& key) {
             return json_response(200, R"({"choices":[]})", leaking_fields(key));
         }},
        {"200 of a type that holds the key",
         [](const auto&, const auto& key) {
             return response(200, "application/json; key=\"" + key + "\"", R"({"choices":[]})");
         }},
        {"200 HTML",
         [](const auto& echo, const auto&) { return response(200, "text/html", echo); }},
        {"200 finish reason",
         [](const auto&, const auto& key) {
             return json_response(
                 200, nlohmann::json{{"choices", {{{"finish_reason", key.substr(0, 32)}}}}}.dump());
         }},
        {"error event first",
         [](const auto& echo, const auto& key) {
             return event_stream("data: " + error_json(echo) + "\n\n", key);
         }},
        {"named error event first",
         [](const auto& echo, const auto& key) {
             return event_stream(
                 ": " + key + "\n\nevent: error\ndata: " + error_json(echo) + "\n\n", key);
         }},
        {"error event after text",
         [](const auto& echo, const auto& key) {
             return event_stream(chat_event("a") + "data: " + error_json(echo) + "\n\n", key);
         }},
        {"plain error event after text",
         [](const auto&, const auto& key) {
             return event_stream(chat_event("a") + "event: error\ndata: Bearer " + key + "\n\n",
                                 key);
         }},
        {"comments after text",
         [](const auto&, const auto& key) {
             return event_stream(chat_event("a") + ": " + key + "\n\n" + std::string(done_event),
                                 key);
         }},
        {"long error event after text",
         [](const auto& echo, const auto& key) {
             const std::string before(70'000 - 250, 'x');
             return event_stream(
                 chat_event("a") + "data: " + error_json(before + echo + before) + "\n\n", key);
         }},
        {"failed response",
         [](const auto& echo, const auto& key) {
             const nlohmann::json event{
                 {"type", "response.failed"},
                 {"response",
                  {{"status", "failed"},
                   {"error", {{"code", "server_error"}, {"message", echo}}}}}};
             return event_stream("event: response.failed\ndata: " + event.dump() + "\n\n", key);
         }},
        {"failed response after text",
         [](const auto& echo, const auto& key) {
             const nlohmann::json event{
                 {"type", "response.failed"},
                 {"response",
                  {{"status", "failed"},
                   {"error", {{"code", "invalid_prompt"}, {"message", echo}}}}}};
             return event_stream(
                 "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n"
                 "data: " +
                     event.dump() + "\n\n",
                 key);
         }},
        {"bare error line",
         [](const auto& echo, const auto& key) {
             const std::string error = nlohmann::json{{"message", echo.substr(0, 2000)}}.dump();
             return event_stream(chat_event("a") + "error: " + error + "\n\n", key);
         }},
        {"bare error line, cut in the key",
         [](const auto&, const auto& key) {
             return event_stream(chat_event("a") + "error: {\"message\":\"" +
                                     std::string(4060, 'x') + key + "\"}\n\n",
                                 key);
         }},
        {"interim answer",
         [](const auto& echo, const auto& key) {
             return "HTTP/1.1 103 " + key + "\r\nlink: " + key + "\r\n\r\n" +
                    json_response(400, error_json(echo));
         }},
        {"reason phrase",
         [](const auto&, const auto& key) { return "HTTP/1.1 400 " + key + "\r\n\r\n"; }},
        {"no HTTP", [](const auto& echo, const auto&) { return echo; }},
        {"wrong length",
         [](const auto&, const auto& key) {
             return "HTTP/1.1 200 OK\r\ncontent-length: " + key + "\r\n\r\n";
         }},
        {"wrong chunks",
         [](const auto& echo, const auto&) {
             return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                    "transfer-encoding: chunked\r\n\r\n" +
                    echo;
         }},
        {"wrong field",
         [](const auto&, const auto& key) { return "HTTP/1.1 200 OK\r\n" + key + "\r\n\r\n"; }},
    };
}

std::string multipart(const std::string& target, const std::string& more) {
    const std::string body = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n" +
                             more +
                             "--b\r\nContent-Disposition: form-data; name=\"file\"; "
                             "filename=\"f\"\r\n\r\nbytes\r\n--b--\r\n";
    return request("POST", target,
                   bearer(alice_key) + "Content-Type: multipart/form-data; boundary=b\r\n", body);
}

std::vector<std::string> requests_of_all_kinds() {
    const std::string stream_part =
        "--b\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n";
    return {chat_request(alice_key, "m"),
            chat_request(alice_key, "m", true),
            post_json("/v1/responses", alice_key, R"({"model":"m","input":"hi"})"),
            post_json("/v1/responses", alice_key, R"({"model":"m","input":"hi","stream":true})"),
            post_json("/v1/embeddings", alice_key, R"({"model":"m","input":"hi"})"),
            multipart("/v1/images/edits", ""),
            multipart("/v1/audio/transcriptions", ""),
            multipart("/v1/audio/transcriptions", stream_part),
            post_json("/v1/audio/speech", alice_key, R"({"model":"m","input":"a","voice":"v"})")};
}

std::string upstream_with(const std::string& name, const std::string& base_url,
                          const std::string& key, const std::string& more = {}) {
    return "  " + name + ": {kind: openai, base_url: \"" + base_url + "\", api_key: \"" + key +
           "\", headers: {x-team: '" + header_value + "'}" + more + "}\n";
}

ConfigText config_with(const FakeUpstream& first, const FakeUpstream& second,
                       const std::string& key = first_key) {
    ConfigText config(first.base_url());
    config.log_level = "debug";
    config.upstreams = upstream_with("one", first.base_url(), key) +
                       upstream_with("two", second.base_url(), second_key);
    config.models = "  m: {route: [{upstream: one}], fallback: [{upstream: two}]}\n";
    config.groups = "  default: {}\n";
    config.users = "  alice:\n    keys:\n" + key_line("laptop", alice_key);
    config.admin_lines = "  keys:\n" + key_line("prometheus", planted_admin_key);
    return config;
}

void repeat_everything(FakeUpstream& upstream, const Way& way, const std::string& key) {
    upstream.answer_with([way, key](const ReceivedRequest& request) {
        return Script().send(way.answer(echo_of(request), key)).close();
    });
}

Response asked_of_admin(Gateway& gateway, const std::string& target, const std::string& fields) {
    TestClient client(gateway.daemon().port("admin"));
    client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    return client.read_response("GET");
}

/// What operators see of the daemon, with the right key of the port and with wrong ones.
void expect_no_secret_in_the_open(Gateway& gateway, const std::string& where) {
    for (const std::string& target : std::vector<std::string>{
             "/metrics", "/status", "/status?user=alice", "/status?user=" + planted_admin_key,
             "/readyz", "/" + planted_wrong_admin_key}) {
        for (const std::string& key : {planted_admin_key, planted_wrong_admin_key, first_key}) {
            const Response answer = asked_of_admin(gateway, target, bearer(key));
            expect_no_secret(text_of(answer), where + ", " + target);
        }
    }
    EXPECT_EQ(asked_of_admin(gateway, "/status", bearer(planted_admin_key)).status, 200);
    for (const std::string& fields :
         {bearer(planted_wrong_admin_key), bearer(alice_key),
          "Authorization: Basic " + planted_admin_key + "\r\n",
          "Authorization: " + planted_admin_key + "\r\n",
          "x-api-key: " + planted_wrong_admin_key + "\r\n",
          bearer(planted_admin_key) + bearer(planted_wrong_admin_key),
          "Cookie: key=" + planted_admin_key + "\r\n",
          "Origin: http://" + planted_wrong_admin_key + "\r\n", std::string()}) {
        const Response answer = asked_of_admin(gateway, "/status", fields);
        EXPECT_GE(answer.status, 400) << fields;
        expect_no_secret(text_of(answer), where + ", a wrong key of the admin port");
    }
    // A key of the admin port is none of a user, and clients' errors do not repeat it.
    const Response as_client = gateway.chat(planted_admin_key, "m");
    EXPECT_TRUE(as_client.status == 401 || as_client.status == 429) << as_client.status;
    expect_no_secret(text_of(as_client), where + ", as a client");
    expect_no_secret(gateway.daemon().log(), where + ", log");
}

void expect_no_secret_comes_back(const std::vector<Way>& ways) {
    std::size_t replaced = 0;
    for (const Way& way : ways) {
        SCOPED_TRACE(way.name);
        FakeUpstream first;
        FakeUpstream second;
        repeat_everything(first, way, first_key);
        repeat_everything(second, way, second_key);
        Gateway gateway(config_with(first, second));
        for (const std::string& request : requests_of_all_kinds()) {
            const std::string answer = text_of(gateway.send(request));
            expect_no_secret(answer, way.name + ", " + request.substr(0, request.find("HTTP")));
            if (answer.find("***") != std::string::npos) ++replaced;
        }
        ASSERT_FALSE(first.requests().empty());
        EXPECT_EQ(first.requests()[0].head.value("authorization"), "Bearer " + first_key);
        expect_no_secret_in_the_open(gateway, way.name);
    }
    EXPECT_GT(replaced, 0U) << "nothing was repeated";
}

TEST(PlantedSecrets, DoNotComeBackWithAStatus) {
    expect_no_secret_comes_back(ways_of_statuses());
}

TEST(PlantedSecrets, DoNotComeBackInAnyOtherWay) {
    expect_no_secret_comes_back(other_ways());
}

TEST(PlantedSecrets, OfAnUpstreamThatWasTriedBeforeDoNotComeBack) {
    // The second upstream knows what the first was sent: both lead to one server.
    FakeUpstream first;
    FakeUpstream second;
    first.answer(Script().send(json_response(500, error_json(first_key))));
    second.answer(Script().send(json_response(400, error_json("seen before: " + first_key))));
    Gateway gateway(config_with(first, second));
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_EQ(response.status, 400);
    EXPECT_NE(response.body.find("seen before: ***"), std::string::npos) << response.body;
}

TEST(PlantedSecrets, ThatAReloadReplacesMeanwhileDoNotComeBack) {
    FakeUpstream first;
    FakeUpstream second;
    const Signal is_reloaded;
    for (const bool is_streaming : {false, true}) {
        SCOPED_TRACE(is_streaming);
        const Signal signal;
        first.answer_with([&](const ReceivedRequest& request) {
            const std::string error = error_json(echo_of(request));
            const std::string answer =
                is_streaming ? event_stream(chat_event("a") + "data: " + error + "\n\n", first_key)
                             : json_response(400, error, leaking_fields(first_key));
            return Script().wait(signal).send(answer).close();
        });
        Gateway gateway(config_with(first, second));
        TestClient client = gateway.connect();
        const std::size_t before = first.requests().size();
        client.send(chat_request(alice_key, "m", is_streaming));
        ASSERT_TRUE(first.wait_for_requests(before + 1));
        const auto line = gateway.daemon().reload(config_with(first, second, new_key).text());
        ASSERT_EQ(line.value("event", ""), "reloaded");
        signal.raise();
        const std::string answer = text_of(client.read_response());
        EXPECT_NE(answer.find("***"), std::string::npos) << answer;
        expect_no_secret(answer, "the answer");
        expect_no_secret_in_the_open(gateway, "reload");
    }
}

TEST(PlantedSecrets, OfAProxyDoNotComeBack) {
    FakeUpstream first;
    FakeUpstream second;
    ConnectProxy proxy;
    const std::string credentials = base64_of("user:" + proxy_password);
    proxy.refuse_with(response(407, "text/plain", "proxy-authorization: Basic " + credentials,
                               "proxy-authenticate: Basic realm=\"" + proxy_password + "\"\r\n"));
    second.answer(Script().send(json_response(
        400, error_json(credentials + " and " + proxy_password + " and user:" + proxy_password))));
    ConfigText config = config_with(first, second);
    config.upstreams =
        upstream_with(
            "one", first.base_url(), first_key,
            ", proxy: \"" + proxy.url("user:" + escaped(proxy_password, "%", false)) + "\"") +
        upstream_with("two", second.base_url(), second_key);
    Gateway gateway(config);
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_NE(response.body.find("*** and *** and ***"), std::string::npos) << response.body;
    expect_no_secret(text_of(response), "the answer");
    EXPECT_FALSE(proxy.requests().empty());
    expect_no_secret_in_the_open(gateway, "proxy");
}

TEST(PlantedSecrets, AreNotInFilesAndNotInWhatCommandsPrint) {
    const TemporaryFolder folder;
    FakeUpstream first;
    FakeUpstream second;
    ConfigText config = config_with(first, second);
    config.limiter_lines = "  state_file: " + folder.file("limiter.state") + "\n";
    {
        Gateway gateway(config);
        for (const std::string& request : requests_of_all_kinds()) {
            expect_no_secret(text_of(gateway.send(request)), "an answer");
        }
        // What a client sends in a wrong place is its own affair, but not the log's.
        for (const std::string target : {"/v1/models/", "/v1/", "/v1/models?key="}) {
            static_cast<void>(gateway.get(target + std::string(alice_key), bearer(alice_key)));
        }
        static_cast<void>(
            gateway.get("/v1/models", "Authorization: Basic " + std::string(alice_key) + "\r\n"));
        static_cast<void>(gateway.chat(alice_key, alice_key));
        expect_no_secret_in_the_open(gateway, "all requests");
        for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
                 {"check", gateway.daemon().config_file()},
                 {"explain", "--config", gateway.daemon().config_file(), "--user", "alice",
                  "--model", "m"},
                 {"explain", "--json", "--config", gateway.daemon().config_file(), "--user",
                  "alice", "--model", "m"},
                 {"config", "show", gateway.daemon().config_file()},
                 {"key", "list", gateway.daemon().config_file()},
                 {"check", gateway.daemon().config_file(), "--against",
                  "http://127.0.0.1:" + std::to_string(gateway.daemon().port("admin"))},
                 {"healthcheck", "--config", gateway.daemon().config_file()}}) {
            expect_no_secret(run_binary(command).output, command[0]);
        }
        expect_no_secret(text_of(gateway.admin("/config")), "/config");
        const std::string other =
            folder.write("other.yaml", config_with(first, second, new_key).text());
        expect_no_secret(
            run_binary({"check", other, "--against", gateway.daemon().config_file()}).output,
            "check --against");
        const std::string bad = folder.write(
            "bad.yaml", config_with(first, second, new_key + " wrong\\x").text() + "x: 1\n");
        expect_no_secret(run_binary({"check", bad}).output, "check of mistakes");
    }
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        if (entry.path().extension() == ".yaml") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        expect_no_secret(text, entry.path());
        ++files;
    }
    EXPECT_GT(files, 0U);
}

}  // namespace
}  // namespace sluicegate::support
