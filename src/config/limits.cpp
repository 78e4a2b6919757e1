#include "sluicegate/config/limits.hpp"

namespace sluicegate::config {

std::string_view name_of(LimitName name) noexcept {
    switch (name) {
        case LimitName::rpm: return "rpm";
        case LimitName::tpm: return "tpm";
        case LimitName::rpd: return "rpd";
        case LimitName::tpd: return "tpd";
        case LimitName::concurrency: return "concurrency";
    }
    return "";
}

std::optional<LimitName> limit_named(std::string_view text) noexcept {
    for (const LimitName name : limit_names) {
        if (name_of(name) == text) return name;
    }
    return std::nullopt;
}

std::string dry_run_text(LimitNames names) {
    if (names.empty()) return "false";
    if (names == LimitNames::all()) return "true";
    std::string text;
    for (const LimitName name : limit_names) {
        if (!names.contains(name)) continue;
        text += (text.empty() ? "[" : ", ") + std::string(name_of(name));
    }
    return text + ']';
}

const std::optional<std::int64_t>& value_of(const Limits& limits, LimitName name) noexcept {
    switch (name) {
        case LimitName::rpm: return limits.rpm;
        case LimitName::tpm: return limits.tpm;
        case LimitName::rpd: return limits.rpd;
        case LimitName::tpd: return limits.tpd;
        case LimitName::concurrency: break;
    }
    return limits.concurrency;
}

std::optional<std::int64_t>& value_of(Limits& limits, LimitName name) noexcept {
    switch (name) {
        case LimitName::rpm: return limits.rpm;
        case LimitName::tpm: return limits.tpm;
        case LimitName::rpd: return limits.rpd;
        case LimitName::tpd: return limits.tpd;
        case LimitName::concurrency: break;
    }
    return limits.concurrency;
}

}  // namespace sluicegate::config
