#pragma once
/// The gateway as the behaviour tests see it: a configuration with a few users and models, the real
/// daemon on it, and short words for requests and for what every error answer must hold.

#include "support/certificates.hpp"
#include "support/daemon.hpp"
#include "support/fake_upstream.hpp"
#include "support/test_client.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {

// The keys of the users in ConfigText, and the secret that only the upstream may see.
inline constexpr std::string_view alice_key = "sk-sg-alice-laptop-key-000000000000000000000000";
inline constexpr std::string_view alice_second_key =
    "sk-sg-alice-server-key-11111111111111111111111";
inline constexpr std::string_view bob_key = "sk-sg-bob-research-key-222222222222222222222222";
inline constexpr std::string_view carol_key = "sk-sg-carol-own-limit-key-3333333333333333333333";
inline constexpr std::string_view narrow_key = "sk-sg-narrow-model-key-44444444444444444444444";
inline constexpr std::string_view expired_key = "sk-sg-expired-key-5555555555555555555555555555";
inline constexpr std::string_view elsewhere_key = "sk-sg-elsewhere-key-66666666666666666666666666";
inline constexpr std::string_view upstream_key = "sk-upstream-secret-7777777777777777777777777777";

inline constexpr std::size_t mebibyte = std::size_t{1} << 20;

inline constexpr std::string_view rate_limit_body =
    R"({"error":{"message":"Rate limit exceeded. Please try again later.",)"
    R"("type":"rate_limit_error","code":429}})";

/// The text of a configuration. Every member is one section's lines; a test replaces what it is
/// about.
///
/// Models   m (no limit), limited and other (rpm 3 each), renamed (called
///          "provider/renamed-2024" upstream), forbidden (rpm 0).
/// Users    alice (two keys), bob (group research: limited has rpm 5), carol (own: limited has
///          rpm 2), narrow (may use only `other`), expired, elsewhere (only from 10.0.0.0/8).
struct ConfigText {
    explicit ConfigText(const std::string& base_url, const std::string& upstream_options = {});

    std::string listen = "127.0.0.1:0";
    std::string listener_tls;  ///< lines of a second, TLS listener
    std::string threads = "2";
    std::string max_body = "32MiB";
    std::string timeouts = "{header: 20s, body: 20s, idle: 75s, drain: 1s}";
    std::string server_lines;  ///< more of `server:`, two spaces deep
    std::string admin_lines;   ///< more of `admin:`, two spaces deep
    std::string window = "60s";
    std::string limiter_lines;  ///< more of `limiter:`, two spaces deep
    std::string streams;        ///< "streams: {…}\n"
    std::string retries;        ///< "retries: {…}\n"
    std::string log_level = "info";
    std::string upstreams;
    std::string models;
    std::string groups;
    std::string users;

    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::size_t listeners() const { return listener_tls.empty() ? 2 : 3; }
};

/// For ConfigText::listener_tls, with the files of files_of().
inline constexpr const char* tls_listener =
    "    - address: 127.0.0.1:0\n"
    "      tls: {certificate: chain.pem, private_key: key.pem}\n";
/// Writes chain.pem and key.pem of `identity` beside the configuration.
[[nodiscard]] DaemonOptions files_of(const Identity& identity);

/// "  NAME: {kind: openai, base_url: …, api_key: …, OPTIONS}\n"
[[nodiscard]] std::string upstream_line(const std::string& name, const std::string& base_url,
                                        const std::string& options = {});
/// "      - {id: ID, sha256: …, OPTIONS}\n"
[[nodiscard]] std::string key_line(const std::string& id, std::string_view key,
                                   const std::string& options = {});

class Gateway {
public:
    explicit Gateway(const ConfigText& config, DaemonOptions options = {});

    [[nodiscard]] Daemon& daemon() { return daemon_; }
    [[nodiscard]] const Daemon& daemon() const { return daemon_; }
    [[nodiscard]] TestClient connect(int receive_buffer = 0) const {
        return TestClient(port_, receive_buffer);
    }
    /// One request on a connection of its own.
    [[nodiscard]] Response send(std::string_view bytes, std::string_view method = "POST") const;
    /// A chat completion.
    [[nodiscard]] Response chat(std::string_view key, std::string_view model) const;
    /// A streamed chat completion.
    [[nodiscard]] Response stream(std::string_view key, std::string_view model) const;
    [[nodiscard]] Response get(std::string_view target, std::string_view fields) const;
    [[nodiscard]] Response admin(std::string_view target) const;
    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    Daemon daemon_;
    std::uint16_t port_;
};

/// "Authorization: Bearer KEY\r\n"
[[nodiscard]] std::string bearer(std::string_view key);
[[nodiscard]] std::string chat_body(std::string_view model, bool is_streaming = false);
/// POST /v1/chat/completions with JSON.
[[nodiscard]] std::string chat_request(std::string_view key, std::string_view model,
                                       bool is_streaming = false);
[[nodiscard]] std::string post_json(std::string_view target, std::string_view key,
                                    std::string_view body, std::string_view more_fields = {});

/// What an error answer must say; "" in `message` is not compared.
struct ExpectedError {
    int status = 0;
    std::string type = "invalid_request_error";
    std::string code;
    std::string message{};
    nlohmann::json param{};  ///< null
};
/// Checks the answer against it, and the rules that hold for every error.
void expect_error(const Response& response, const ExpectedError& expected);
/// Complete, 200, with a request id.
void expect_success(const Response& response);
/// The fixed 429 of that limit ("rpm", …): exact body, and no trace of another kind of error.
void expect_rate_limited(const Response& response, std::string_view limit);
/// The 429 of a request that asks for more tokens than the limit ever has.
void expect_refused_for_good(const Response& response, std::string_view limit);
/// The value of a header field that is a whole number; -1 when it is missing or something else.
[[nodiscard]] std::int64_t number_in(const Response& response, std::string_view name);
/// The sum of the samples of a metric whose labels contain each of `labels` (`model="m"`).
[[nodiscard]] double metric(const Gateway& gateway, std::string_view name,
                            const std::vector<std::string>& labels = {});
/// The events of a stream: `data` of each, in order.
[[nodiscard]] std::vector<std::string> events_of(std::string_view body);

}  // namespace sluicegate::support
