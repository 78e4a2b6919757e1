#include "sluicegate/client/forwarded.hpp"

#include "sluicegate/http/syntax.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sluicegate::client {
namespace {

using config::AddressRange;
using config::IpAddress;

std::string_view trimmed(std::string_view text) noexcept {
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// A node-port of RFC 7239: a number, or an obfuscated one. It is not used.
bool is_port(std::string_view text) noexcept {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.starts_with('_')) return http::is_token(text);
    constexpr std::size_t digits_max = 5;
    return !text.empty() && text.size() <= digits_max && std::ranges::all_of(text, is_digit);
}

/// Takes pieces off the end of a text, at each separator outside quotes. From the right, an open
/// quote that a client sent cannot swallow what a proxy has appended behind it.
class PiecesFromRight {
public:
    PiecesFromRight(std::string_view text, char separator) noexcept
        : rest_(text), separator_(separator) {}

    [[nodiscard]] std::optional<std::string_view> next() noexcept {
        if (is_done_) return std::nullopt;
        bool is_quoted = false;
        for (std::size_t end = rest_.size(); end > 0; --end) {
            const char c = rest_[end - 1];
            if (c == '"' && !is_escaped(end - 1)) is_quoted = !is_quoted;
            if (c != separator_ || is_quoted) continue;
            const std::string_view piece = rest_.substr(end);
            rest_ = rest_.substr(0, end - 1);
            return piece;
        }
        is_done_ = true;
        return rest_;
    }

private:
    [[nodiscard]] bool is_escaped(std::size_t at) const noexcept {
        std::size_t backslashes = 0;
        while (backslashes < at && rest_[at - 1 - backslashes] == '\\') ++backslashes;
        return backslashes % 2 == 1;
    }

    std::string_view rest_;
    char separator_;
    bool is_done_ = false;
};

/// The text of a value: a token as it is, a quoted string without quotes and escapes. Nothing for
/// one that is malformed, or longer than any address with its port.
class NodeText {
public:
    explicit NodeText(std::string_view value) noexcept {
        if (!value.starts_with('"')) {
            for (const char c : value) append(c);
            is_whole_ &= value.find('"') == std::string_view::npos;
            return;
        }
        value.remove_prefix(1);
        while (!value.empty() && value.front() != '"') {
            if (value.front() == '\\') value.remove_prefix(1);
            if (value.empty()) break;
            append(value.front());
            value.remove_prefix(1);
        }
        is_whole_ &= value == "\"";
    }

    [[nodiscard]] std::string_view text() const noexcept {
        return is_whole_ ? std::string_view(bytes_.data(), size_) : std::string_view();
    }

private:
    void append(char c) noexcept {
        is_whole_ &= size_ < bytes_.size();
        if (size_ < bytes_.size()) bytes_[size_++] = c;
    }

    std::array<char, 80> bytes_{};
    std::size_t size_ = 0;
    bool is_whole_ = true;
};

/// The node of `for` in one element of Forwarded; nothing without exactly one.
std::optional<IpAddress> hop_of_element(std::string_view element) {
    std::optional<std::string_view> node;
    PiecesFromRight pairs(element, ';');
    while (const auto pair = pairs.next()) {
        const std::string_view text = trimmed(*pair);
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos && text.empty()) continue;
        if (equals == std::string_view::npos) return std::nullopt;
        if (!http::equals_ignoring_case(text.substr(0, equals), "for")) continue;
        if (node) return std::nullopt;
        node = text.substr(equals + 1);
    }
    if (!node) return std::nullopt;
    return address_of_hop(NodeText(*node).text());
}

/// Goes from hop to hop as long as they are trusted proxies.
class Walk {
public:
    Walk(const IpAddress& peer, std::span<const AddressRange> trusted) noexcept
        : nearest_(peer), trusted_(trusted) {}

    /// All lines of one field, from the last. False: it names nothing at all.
    bool take(const http::FieldTable& fields, std::string_view name,
              std::optional<IpAddress> (*hop_of)(std::string_view)) {
        bool names_any = false;
        for (const http::Field* field = fields.end(); field != fields.begin();) {
            --field;
            if (!http::equals_ignoring_case(field->name, name)) continue;
            PiecesFromRight hops(field->value, ',');
            while (const auto piece = hops.next()) {
                const std::string_view text = trimmed(*piece);
                // Empty elements of a list mean nothing (RFC 9110, 5.6.1).
                if (text.empty()) continue;
                names_any = true;
                const auto hop = hop_of(text);
                if (!hop) return true;
                nearest_ = *hop;
                if (!config::contains_any(trusted_, *hop)) return true;
            }
        }
        return names_any;
    }

    [[nodiscard]] const IpAddress& nearest() const noexcept { return nearest_; }

private:
    IpAddress nearest_;
    std::span<const AddressRange> trusted_;
};

}  // namespace

std::optional<IpAddress> address_of_hop(std::string_view text) {
    std::string_view host = text;
    std::string_view port;
    bool has_port = false;
    const std::size_t first = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        host = text.substr(1, close - 1);
        const std::string_view behind = text.substr(close + 1);
        has_port = !behind.empty();
        if (has_port && behind.front() != ':') return std::nullopt;
        if (has_port) port = behind.substr(1);
        if (host.find(':') == std::string_view::npos) return std::nullopt;
    } else if (first != std::string_view::npos && first == text.rfind(':')) {
        host = text.substr(0, first);
        port = text.substr(first + 1);
        has_port = true;
    }
    if (has_port && !is_port(port)) return std::nullopt;
    const auto address = IpAddress::parse(host);
    if (!address || address->is_unspecified()) return std::nullopt;
    return address;
}

IpAddress client_behind(const IpAddress& peer, std::span<const AddressRange> trusted,
                        const http::FieldTable& fields) {
    Walk walk(peer, trusted);
    constexpr std::string_view x_forwarded_for = "x-forwarded-for";
    if (fields.find(x_forwarded_for) && walk.take(fields, x_forwarded_for, &address_of_hop)) {
        return walk.nearest();
    }
    if (fields.find("forwarded")) walk.take(fields, "forwarded", &hop_of_element);
    return walk.nearest();
}

}  // namespace sluicegate::client
