#include "sluicegate/config/pass_headers.hpp"

#include "config/upstream_parts.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::size_t headers_max = 32;
constexpr std::size_t field_name_bytes_max = 128;
constexpr Range<std::int64_t> ceiling_range{1, 1'000'000'000};
constexpr std::string_view azure_v1_path = "/openai/v1";

/// Fields about the connection or the body, and fields that sluicegate sets itself.
constexpr std::array<std::string_view, 17> reserved_fields{"accept-encoding",
                                                           "connection",
                                                           "content-encoding",
                                                           "content-length",
                                                           "content-type",
                                                           "expect",
                                                           "host",
                                                           "http2-settings",
                                                           "keep-alive",
                                                           "proxy-authenticate",
                                                           "proxy-authorization",
                                                           "proxy-connection",
                                                           "te",
                                                           "trailer",
                                                           "transfer-encoding",
                                                           "upgrade",
                                                           "x-request-id"};

/// RFC 9110, 5.6.2
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

/// "" if a field of this name, in lower case, may be set.
std::string why_not_a_field(std::string_view name) {
    if (!is_token(name) || name.size() > field_name_bytes_max) {
        return "must be the name of a header: letters, digits and !#$%&'*+-.^_`|~";
    }
    const bool is_reserved = std::ranges::find(reserved_fields, name) != reserved_fields.end();
    return is_reserved ? "is a header that only sluicegate may set" : "";
}

/// True for the names of fields that usually hold a credential; `name` is in lower case.
bool names_credential(std::string_view name) {
    constexpr std::array<std::string_view, 7> words{"auth",   "cookie",   "credential", "key",
                                                    "secret", "password", "token"};
    return std::ranges::any_of(
        words, [name](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

void parse_api_key_header(Context& context, const Value& at, std::string& into) {
    const auto text = read_text(context, at);
    if (!text) return;
    std::string name = lower_case(text->text);
    const std::string reason = why_not_a_field(name);
    if (!reason.empty()) {
        add_problem(context, at, reason + got(*text));
        return;
    }
    into = std::move(name);
}

void parse_headers(Context& context, const Value& at, bool has_key, Upstream& upstream) {
    const auto entries = named_entries(context, at);
    if (entries.size() > headers_max) {
        add_problem(context, at, "may have at most " + std::to_string(headers_max) + " headers");
        return;
    }
    for (const NamedEntry& entry : entries) {
        std::string name = lower_case(entry.name);
        std::string reason = why_not_a_field(name);
        if (reason.empty() && has_key && name == upstream.api_key_header) {
            reason = "is the header that api_key is sent in";
        }
        if (std::ranges::find(upstream.headers, name, &ExtraField::name) !=
            upstream.headers.end()) {
            reason = "comes twice: the names of headers are the same in upper and lower case";
        }
        if (!reason.empty()) context.problems.add(*entry.key, entry.value.path, reason);
        auto value = read_field_value(context, entry.value, names_credential(name));
        upstream.headers.push_back({std::move(name), std::move(value).value_or(Secret())});
    }
}

void parse_pass_headers(Context& context, const Value& at, std::vector<std::string>& into) {
    for_each_element(context, at, headers_max, "one name", [&](const Value& element) {
        const auto text = read_text(context, element);
        if (!text) return;
        std::string name = lower_case(text->text);
        const std::string_view fixed = std::string_view(name).substr(0, name.find('*'));
        const bool is_pattern = fixed.size() + 1 == name.size();
        if ((!fixed.empty() && !is_token(fixed)) || (!is_pattern && fixed.size() < name.size()) ||
            name.empty() || name.size() > field_name_bytes_max) {
            add_problem(
                context, element,
                "must be the name of a header, or its beginning with a * at the end" + got(*text));
        } else if (!is_pattern && !may_pass_header(name)) {
            add_problem(context, element,
                        "is a header that never passes: a credential, or one that belongs to the "
                        "connection, the body or sluicegate" +
                            got(*text));
        } else if (std::ranges::find(into, name) != into.end()) {
            add_problem(context, element, "is listed already" + got(*text));
        } else {
            into.push_back(std::move(name));
        }
    });
}

/// "2024-10-21", "2024-10-21-preview"; `preview` and `latest` are versions of the v1 API.
bool is_api_version(std::string_view text) {
    if (text == "preview" || text == "latest") return true;
    constexpr std::string_view form = "dddd-dd-dd";
    if (text.size() < form.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !is_digit : text[i] != '-') return false;
    }
    return text.size() == form.size() || text.substr(form.size()) == "-preview";
}

void parse_api_version(Context& context, const MapReader& map, Upstream& upstream) {
    if (const auto version = map.find("api_version")) {
        const auto text = read_text(context, *version);
        if (!text) return;
        if (is_api_version(text->text)) {
            upstream.api_version = text->text;
        } else {
            add_problem(context, *version,
                        "must be a version of Azure's API, such as 2024-10-21" + got(*text));
        }
        return;
    }
    const bool has_bare_one = std::ranges::any_of(upstream.endpoints, [](const Endpoint& one) {
        return one.host.ends_with(".openai.azure.com") && one.path_prefix != azure_v1_path;
    });
    if (has_bare_one) {
        add_problem(context, map.at(),
                    "needs api_version, or a URL that ends in " + std::string(azure_v1_path));
    }
}

}  // namespace

void parse_account(Context& context, const MapReader& map, Upstream& upstream) {
    const UpstreamKindRow& kind = row_of(upstream.kind);
    const bool has_key = map.has("api_key");
    upstream.api_key_header = kind.api_key_header;
    if (const auto key = map.find("api_key")) upstream.api_key = read_secret(context, *key);
    if (const auto header = map.find("api_key_header")) {
        parse_api_key_header(context, *header, upstream.api_key_header);
        if (!has_key) add_problem(context, *header, "has no meaning without api_key");
    }
    if (const auto headers = map.find("headers")) {
        parse_headers(context, *headers, has_key, upstream);
    }
    if (const auto passed = map.find("pass_headers")) {
        parse_pass_headers(context, *passed, upstream.pass_headers);
    }
    if (kind.has_api_version) parse_api_version(context, map, upstream);
    if (const auto account = map.find("account")) {
        if (const auto text = read_text(context, *account)) {
            const std::string reason = why_not_a_name(text->text);
            if (reason.empty()) {
                upstream.account = text->text;
            } else {
                add_problem(context, *account, reason + got(*text));
            }
        }
    }
    if (const auto limits = map.find("limits")) {
        const MapReader ceilings(context, *limits, Section::upstream_limits);
        ceilings.count("rpm", ceiling_range, upstream.limits.rpm);
        ceilings.count("tpm", ceiling_range, upstream.limits.tpm);
    }
}

}  // namespace sluicegate::config
