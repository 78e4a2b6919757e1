#pragma once
/// The limits of one entry of the file, and the resolved limits of one user and model.
///
/// Source  docs/configuration.md, "Which limit holds"; docs/limits.md

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::config {

/// In the order in which they are always written and shown.
enum class LimitName : std::uint8_t { rpm, tpm, rpd, tpd, concurrency };

inline constexpr std::array<LimitName, 5> limit_names{
    LimitName::rpm, LimitName::tpm, LimitName::rpd, LimitName::tpd, LimitName::concurrency};

/// The key in the file: "rpm".
[[nodiscard]] std::string_view name_of(LimitName name) noexcept;
[[nodiscard]] std::optional<LimitName> limit_named(std::string_view text) noexcept;

/// A set of names; a plain value.
class LimitNames {
public:
    constexpr LimitNames() = default;
    constexpr LimitNames(std::initializer_list<LimitName> names) {
        for (const LimitName name : names) insert(name);
    }
    [[nodiscard]] static constexpr LimitNames all() {
        LimitNames names;
        for (const LimitName name : limit_names) names.insert(name);
        return names;
    }

    constexpr void insert(LimitName name) { bits_ = static_cast<std::uint8_t>(bits_ | bit(name)); }
    [[nodiscard]] constexpr bool contains(LimitName name) const { return (bits_ & bit(name)) != 0; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

    friend constexpr bool operator==(LimitNames, LimitNames) = default;

private:
    static constexpr std::uint8_t bit(LimitName name) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(name));
    }

    std::uint8_t bits_ = 0;
};

/// The text in the file: "true" for all, "false" for none, else "[tpm, rpd]".
[[nodiscard]] std::string dry_run_text(LimitNames names);

/// The location of an entry in the files. Line 0: the entry was not written.
struct SourceLocation {
    std::uint32_t file = 0;  ///< index into Config::files
    int line = 0;            ///< from 1

    friend bool operator==(const SourceLocation&, const SourceLocation&) = default;
};

/// One entry. For an absent field the next entry in the order of resolve_limits() decides. A field
/// that is absent in all entries is unlimited. 0 forbids.
struct Limits {
    std::optional<std::int64_t> rpm = std::nullopt;  ///< requests in any limiter.window; to 1e9
    std::optional<std::int64_t> tpm = std::nullopt;  ///< model tokens in one; to 1e9
    std::optional<std::int64_t> rpd = std::nullopt;  ///< requests in any 24 hours; to 1e9
    std::optional<std::int64_t> tpd = std::nullopt;  ///< model tokens in them; to 1e9
    std::optional<std::int64_t> concurrency = std::nullopt;  ///< requests in flight; to 65535
    /// The limits that only report. It is one field like the others: a user's entry replaces the
    /// group's.
    std::optional<LimitNames> dry_run = std::nullopt;
    SourceLocation location = {};
};

[[nodiscard]] const std::optional<std::int64_t>& value_of(const Limits& limits,
                                                          LimitName name) noexcept;
[[nodiscard]] std::optional<std::int64_t>& value_of(Limits& limits, LimitName name) noexcept;

/// The five entries that a limit can come from, in the order of precedence.
enum class LimitOrigin : std::uint8_t { user_model, user_any, group_model, group_any, model };

/// One field that some entry sets.
template <class T>
struct Resolved {
    T value{};
    LimitOrigin origin = LimitOrigin::model;
    SourceLocation location = {};

    friend bool operator==(const Resolved&, const Resolved&) = default;
};

/// The limits of one user and model, each with the entry that set it.
struct ResolvedLimits {
    /// Indexed by LimitName; absent is unlimited.
    std::array<std::optional<Resolved<std::int64_t>>, limit_names.size()> values{};
    std::optional<Resolved<LimitNames>> dry_run = std::nullopt;

    [[nodiscard]] const std::optional<Resolved<std::int64_t>>& of(LimitName name) const noexcept {
        return values[static_cast<std::size_t>(name)];
    }
    /// True if a limit of that name would only report.
    [[nodiscard]] bool is_dry_run(LimitName name) const noexcept {
        return dry_run && dry_run->value.contains(name);
    }
};

}  // namespace sluicegate::config
