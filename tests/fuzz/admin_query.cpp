/// The query and the Host of a request to the admin port. What is written encoded is read again;
/// only hosts that are allowed get a page.
///
/// Input  a line with the query, a line with a name, a line with a Host, fields.

#include "sluicegate/admin/access.hpp"
#include "sluicegate/admin/query.hpp"

#include "fuzz/choices.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

using namespace sluicegate;
using fuzz::require;

std::string encoded(std::string_view text) {
    std::string out;
    std::array<char, 4> code{};
    for (const char c : text) {
        std::snprintf(code.data(), code.size(), "%%%02x",
                      static_cast<unsigned>(static_cast<unsigned char>(c)));
        out += code.data();
    }
    return out;
}

void check_query(std::string_view query, std::string_view name) {
    const fuzz::GrowthCheck growth(query.size() + name.size(),
                                   {.base_bytes = 4096, .held_per_byte = 40, .taken_per_byte = 60});
    const auto value = admin::query_value(query, name);
    require(!value || value->size() <= query.size(), "decoding makes nothing longer");
    std::string written = encoded(name) + "=" + encoded(query);
    require(admin::query_value(written, name) == query, "what is written encoded is read again");
    written += "&" + encoded(name) + "=other";
    require(admin::query_value(written, name) == query, "the first one counts");
}

bool is_made_of(std::string_view text, std::string_view characters) {
    return text.find_first_not_of(characters) == std::string_view::npos;
}

/// An IP literal, `localhost` or the name that is allowed, each with or without a port.
bool may_be_allowed(std::string host) {
    std::ranges::transform(host, host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (host.starts_with('[')) return true;
    host.resize(std::min(host.find(':'), host.size()));
    if (is_made_of(host, "0123456789.")) return true;
    if (host.ends_with('.')) host.pop_back();
    return host == "localhost" || host == "admin.test";
}

void check_access(const std::string& host, std::string_view fields) {
    static const admin::Access access([] {
        config::Admin settings;
        settings.listen = config::Listener{.host = "127.0.0.1", .port = 9090, .tls = std::nullopt};
        settings.hosts = {"Admin.test"};
        return settings;
    }());
    std::string text = "GET /status HTTP/1.1\r\nhost: " + host + "\r\n";
    while (!fields.empty()) {
        const std::string_view line = fields.substr(0, fields.find('\n'));
        fields.remove_prefix(std::min(line.size() + 1, fields.size()));
        text.append(line).append("\r\n");
    }
    text += "\r\n";
    http::RequestHead head;
    if (!http::parse_request_head(text, {}, head)) return;
    const auto refusal = access.refusal(head, head.path);
    if (refusal) {
        require(refusal->status == 401 || refusal->status == 403, "a refusal has its status");
        require(!refusal->message.empty(), "a refusal says what to do");
        return;
    }
    require(may_be_allowed(std::string(head.host)), "only hosts that are allowed get a page");
    const auto origin = head.fields.find("origin");
    require(!origin || origin->ends_with(head.host) || origin->size() > head.host.size(),
            "a page of another origin gets nothing");
    const auto site = head.fields.find("sec-fetch-site");
    require(!site || *site == "same-origin" || *site == "none", "another site gets nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Choices choices(data, size);
    const std::string query(choices.line());
    const std::string name(choices.line());
    check_query(query, name);
    const std::string host(choices.line());
    check_access(host, choices.rest());
    return 0;
}
