#include "upstream/idle_limit.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace sluicegate::upstream {
namespace {

constexpr std::string_view white_space = " \t";

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(white_space);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(white_space) - begin + 1);
}

bool is_timeout(std::string_view name) {
    constexpr std::string_view wanted = "timeout";
    return std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                      [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

std::optional<Milliseconds> promised_idle_time(const http::FieldTable& fields) {
    std::string_view rest = fields.find("keep-alive").value_or("");
    while (!rest.empty()) {
        const std::string_view item = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(item.size() + 1, rest.size()));
        const std::size_t equals = item.find('=');
        if (equals == std::string_view::npos || !is_timeout(trimmed(item.substr(0, equals)))) {
            continue;
        }
        const std::string_view digits = trimmed(item.substr(equals + 1));
        std::uint32_t seconds = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
        if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
        return std::chrono::seconds(seconds == 0 ? 0 : seconds - 1);
    }
    return std::nullopt;
}

void IdleLimit::configure(Milliseconds configured) noexcept {
    const bool has_learned = current_ != configured_;
    current_ = has_learned ? std::min(current_, configured) : configured;
    configured_ = configured;
}

void IdleLimit::server_closed(Milliseconds idle_for, Instant now) noexcept {
    const std::optional<Milliseconds> before = suspected_;
    suspected_ = idle_for;
    if (!before) return;
    const auto [shorter, longer] = std::minmax(idle_for, *before);
    // Connections are looked at once a second.
    if (longer > shorter * 5 / 4 + std::chrono::seconds(1)) return;
    const Milliseconds safe = std::max(shorter * 4 / 5, floor);
    if (safe >= current_) return;
    current_ = safe;
    changed_at_ = now;
}

void IdleLimit::forget(Instant now) noexcept {
    if (current_ == configured_ || now - changed_at_ < forget_after) return;
    current_ = std::min(current_ * 3 / 2, configured_);
    changed_at_ = now;
}

}  // namespace sluicegate::upstream
