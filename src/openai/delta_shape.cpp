#include "openai/delta_shape.hpp"

namespace sluicegate::openai {
namespace {

constexpr std::string_view noise_member = R"("obfuscation":")";

/// True if `text` has neither a quote nor a backslash.
bool is_plain(std::string_view text) noexcept {
    return text.find('"') == std::string_view::npos && text.find('\\') == std::string_view::npos;
}

}  // namespace

void DeltaShape::remember(std::string_view data, std::string_view text) {
    const auto begin = static_cast<std::size_t>(text.data() - data.data());
    const std::string_view rest = data.substr(begin + text.size());
    before_ = data.substr(0, begin);
    middle_ = rest;
    after_.clear();
    has_shape_ = true;
    has_noise_ = false;
    const std::size_t noise = rest.find(noise_member);
    if (noise == std::string_view::npos) return;
    const std::size_t noise_begin = noise + noise_member.size();
    const std::size_t noise_end = rest.find('"', noise_begin);
    if (noise_end == std::string_view::npos) return;
    has_noise_ = true;
    middle_ = rest.substr(0, noise_begin);
    after_ = rest.substr(noise_end);
}

std::string_view DeltaShape::match(std::string_view data) const noexcept {
    if (!has_shape_ || !data.starts_with(before_)) return {};
    std::string_view rest = data.substr(before_.size());
    const std::size_t quote = rest.find('"');
    if (quote == std::string_view::npos) return {};
    const std::string_view text = rest.substr(0, quote);
    rest.remove_prefix(quote);
    if (text.find('\\') != std::string_view::npos) return {};
    if (!has_noise_) return rest == middle_ ? text : std::string_view();
    if (!rest.starts_with(middle_) || !rest.ends_with(after_) ||
        rest.size() < middle_.size() + after_.size()) {
        return {};
    }
    const std::string_view noise =
        rest.substr(middle_.size(), rest.size() - middle_.size() - after_.size());
    return is_plain(noise) ? text : std::string_view();
}

}  // namespace sluicegate::openai
