#include "sluicegate/provider/health_request.hpp"

#include "sluicegate/base/json_text.hpp"
#include "sluicegate/base/upstream_words.hpp"
#include "sluicegate/base/wipe_scope.hpp"
#include "sluicegate/config/secrets.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/fields.hpp"
#include "sluicegate/provider/target.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sluicegate::provider {
namespace {

constexpr std::size_t said_bytes_max = 120;

/// Cut before a character, never inside one.
std::string beginning_of(const std::string& text) {
    std::size_t size = std::min(text.size(), said_bytes_max);
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    return text.substr(0, size);
}

}  // namespace

http::Method health_method(const config::HealthCheck& check) noexcept {
    return check.path.empty() ? http::Method::post : http::Method::get;
}

Secret health_request(const config::Upstream& upstream, std::size_t endpoint) {
    const WipeScope wipes;
    const config::HealthCheck& check = *upstream.health;
    std::string target;
    std::string body;
    if (check.path.empty()) {
        append_target(target, upstream, endpoint, openai::Endpoint::chat_completions, check.model,
                      "");
        body = R"({"model":)";
        append_json_string(body, check.model);
        body += R"(,"messages":[{"role":"user","content":"ping"}],"max_tokens":1})";
    } else {
        target = check.path;
    }
    std::string text;
    http::append_request_line(text, health_method(check), target);
    text += fixed_fields(upstream, endpoint).reveal();
    if (!body.empty()) {
        http::append_field(text, "content-type", "application/json");
        http::append_field(text, "content-length", static_cast<std::int64_t>(body.size()));
    }
    http::append_head_end(text);
    text += body;
    return Secret(std::move(text));
}

std::string why_unhealthy(const config::Upstream& upstream, unsigned status,
                          std::string_view body) {
    if (is_success(status)) return {};
    std::string reason = "answered " + std::to_string(status);
    if (status == 401 || status == 403) return reason + ": it refuses the API key";
    if (status < 500) return reason;
    const Redaction redaction = config::redaction_of({&upstream, 1});
    if (const auto said = openai::error_in(redaction.cleaned(body))) {
        reason += ": " + beginning_of(UpstreamWords(said->message, redaction).text());
    }
    return reason;
}

}  // namespace sluicegate::provider
