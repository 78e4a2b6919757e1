#include "behaviour/harness.hpp"

#include "support/key_hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace sluicegate::support {
namespace {

DaemonOptions with_listeners(DaemonOptions options, std::size_t listeners) {
    options.listeners = listeners;
    return options;
}

}  // namespace

DaemonOptions files_of(const Identity& identity) {
    DaemonOptions options;
    options.files = {{"chain.pem", identity.certificate}, {"key.pem", identity.private_key}};
    return options;
}

std::string upstream_line(const std::string& name, const std::string& base_url,
                          const std::string& options) {
    return "  " + name + ": {kind: openai, base_url: \"" + base_url + "\", api_key: \"" +
           std::string(upstream_key) + "\"" + (options.empty() ? "" : ", " + options) + "}\n";
}

std::string key_line(const std::string& id, std::string_view key, const std::string& options) {
    return "      - {id: " + id + ", sha256: \"" + sha256_hex(key) + "\"" +
           (options.empty() ? "" : ", " + options) + "}\n";
}

ConfigText::ConfigText(const std::string& base_url, const std::string& upstream_options)
    : upstreams(upstream_line("up", base_url, upstream_options)),
      models(
          "  m: {route: [{upstream: up}]}\n"
          "  limited: {limits: {rpm: 3}, route: [{upstream: up}]}\n"
          "  other: {limits: {rpm: 3}, route: [{upstream: up}]}\n"
          "  renamed: {route: [{upstream: up, model: provider/renamed-2024}]}\n"
          "  forbidden: {limits: {rpm: 0}, route: [{upstream: up}]}\n"),
      groups("  default: {}\n  research: {limits: {limited: {rpm: 5}}}\n"),
      users("  alice:\n    keys:\n" + key_line("laptop", alice_key) +
            key_line("server", alice_second_key) + "  bob:\n    group: research\n    keys:\n" +
            key_line("bob-1", bob_key) +
            "  carol:\n    group: research\n    limits: {limited: {rpm: 2}}\n    keys:\n" +
            key_line("carol-1", carol_key) + "  narrow:\n    keys:\n" +
            key_line("narrow-1", narrow_key, "models: [other]") + "  expired:\n    keys:\n" +
            key_line("old", expired_key, "expires: 2020-01-01") + "  elsewhere:\n    keys:\n" +
            key_line("far", elsewhere_key, "allow_ips: [10.0.0.0/8]")) {
}

std::string ConfigText::text() const {
    std::string out = "server:\n  listen:\n    - address: " + listen + "\n" + listener_tls;
    out += "  threads: " + threads + "\n  max_body: " + max_body + "\n  timeouts: " + timeouts;
    out += "\n" + server_lines + "admin:\n  listen: 127.0.0.1:0\n" + admin_lines +
           "limiter:\n  window: " + window;
    out += "\n" + limiter_lines + streams + retries + "log: {level: " + log_level +
           ", access: true}\n";
    out += "upstreams:\n" + upstreams + "models:\n" + models + "groups:\n" + groups;
    return out + "users:\n" + users;
}

Gateway::Gateway(const ConfigText& config, DaemonOptions options)
    : daemon_(config.text(), with_listeners(std::move(options), config.listeners())),
      port_(daemon_.port("client")) {
}

Response Gateway::send(std::string_view bytes, std::string_view method) const {
    TestClient client(port_);
    client.send(bytes);
    return client.read_response(method);
}

Response Gateway::chat(std::string_view key, std::string_view model) const {
    return send(chat_request(key, model));
}

Response Gateway::stream(std::string_view key, std::string_view model) const {
    return send(chat_request(key, model, true));
}

Response Gateway::get(std::string_view target, std::string_view fields) const {
    return send(request("GET", target, fields), "GET");
}

Response Gateway::admin(std::string_view target) const {
    TestClient client(daemon_.port("admin"));
    client.send("GET " + std::string(target) +
                " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return client.read_response("GET");
}

std::string bearer(std::string_view key) {
    return "Authorization: Bearer " + std::string(key) + "\r\n";
}

std::string chat_body(std::string_view model, bool is_streaming) {
    return R"({"messages":[{"role":"user","content":"hi"}],"model":")" + std::string(model) + "\"" +
           (is_streaming ? R"(,"stream":true})" : "}");
}

std::string post_json(std::string_view target, std::string_view key, std::string_view body,
                      std::string_view more_fields) {
    return request("POST", target,
                   bearer(key) + "Content-Type: application/json\r\n" + std::string(more_fields),
                   body);
}

std::string chat_request(std::string_view key, std::string_view model, bool is_streaming) {
    return post_json("/v1/chat/completions", key, chat_body(model, is_streaming));
}

void expect_error(const Response& response, const ExpectedError& expected) {
    ASSERT_EQ(response.status, expected.status) << response.body;
    EXPECT_TRUE(response.is_complete);
    EXPECT_EQ(response.framing, BodyReader::Framing::content_length);
    EXPECT_EQ(response.field("content-type").substr(0, 16), "application/json");
    EXPECT_EQ(response.head.count("x-request-id"), 1U);
    EXPECT_NE(response.field("x-request-id"), "");
    EXPECT_EQ(response.field("cache-control"), "no-store");
    EXPECT_EQ(response.field("x-content-type-options"), "nosniff");
    const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
    ASSERT_TRUE(body.is_object() && body.contains("error")) << response.body;
    const nlohmann::json& error = body["error"];
    EXPECT_EQ(error.size(), 4U) << response.body;
    EXPECT_EQ(error.value("type", ""), expected.type) << response.body;
    EXPECT_EQ(error.value("code", nlohmann::json()), expected.code) << response.body;
    EXPECT_TRUE(error.contains("param")) << response.body;
    EXPECT_EQ(error.value("param", nlohmann::json()), expected.param) << response.body;
    EXPECT_TRUE(error.contains("message") && error["message"].is_string()) << response.body;
    if (!expected.message.empty()) {
        EXPECT_EQ(error.value("message", ""), expected.message);
    }
}

void expect_success(const Response& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_TRUE(response.is_complete) << response.body;
    EXPECT_EQ(response.head.count("x-request-id"), 1U);
}

namespace {

void expect_429(const Response& response, std::string_view limit) {
    EXPECT_EQ(response.status, 429) << response.body;
    EXPECT_TRUE(response.is_complete);
    EXPECT_EQ(response.field("x-sluicegate-limit"), limit);
    EXPECT_EQ(response.field("content-type").substr(0, 16), "application/json");
    EXPECT_EQ(response.field("content-length"), std::to_string(response.body.size()));
    EXPECT_EQ(response.field("cache-control"), "no-store");
    EXPECT_EQ(response.head.count("x-request-id"), 1U);
}

}  // namespace

void expect_rate_limited(const Response& response, std::string_view limit) {
    expect_429(response, limit);
    EXPECT_EQ(response.body, rate_limit_body);
    EXPECT_EQ(response.head.count("retry-after"), response.head.count("retry-after-ms"));
}

void expect_refused_for_good(const Response& response, std::string_view limit) {
    expect_429(response, limit);
    const std::string_view body = response.body;
    EXPECT_TRUE(body.starts_with(R"({"error":{"message":"Rate limit exceeded. )")) << body;
    EXPECT_NE(body.find("waiting does not help"), std::string_view::npos) << body;
    EXPECT_TRUE(body.ends_with(R"(","type":"rate_limit_error","code":429}})")) << body;
    EXPECT_EQ(response.field("x-should-retry"), "false");
    EXPECT_FALSE(response.head.has("retry-after"));
    EXPECT_FALSE(response.head.has("retry-after-ms"));
}

std::int64_t number_in(const Response& response, std::string_view name) {
    const std::string text = response.field(name);
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

double metric(const Gateway& gateway, std::string_view name,
              const std::vector<std::string>& labels) {
    std::istringstream text(gateway.admin("/metrics").body);
    double sum = 0;
    for (std::string line; std::getline(text, line);) {
        const std::size_t name_end = line.find_first_of("{ ");
        if (line.substr(0, name_end) != name) continue;
        const std::string_view sample(line);
        const bool is_meant = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
            return sample.find(label) != std::string_view::npos;
        });
        if (is_meant) sum += std::stod(line.substr(line.rfind(' ')));
    }
    return sum;
}

std::vector<std::string> events_of(std::string_view body) {
    std::vector<std::string> out;
    std::string data;
    while (!body.empty()) {
        const std::size_t end = body.find('\n');
        const std::string_view line = body.substr(0, end);
        body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
        if (line.starts_with("data: ")) data += line.substr(6);
        if (line.empty() && !data.empty()) {
            out.push_back(data);
            data.clear();
        }
    }
    if (!data.empty()) out.push_back(data);
    return out;
}

}  // namespace sluicegate::support
