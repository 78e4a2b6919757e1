#pragma once
/// Web origins from which a browser may call, as `server.cors` lists them.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::config {

/// One element of `server.cors.origins`.
class OriginPattern {
public:
    /// "https://app.example", "http://localhost:3000", "chrome-extension://abc"; "null";
    /// "https://*.app.example" for every host below it; "*" for all. Letter case and the default
    /// port of a scheme make no difference.
    [[nodiscard]] static std::optional<OriginPattern> parse(std::string_view text);
    /// Why parse() refused `text`: "must be an origin …", the end of a Problem.
    [[nodiscard]] static std::string hint(std::string_view text);

    /// `origin` is the value of the field Origin (RFC 6454, 7), as a browser writes it.
    [[nodiscard]] bool matches(std::string_view origin) const noexcept;
    [[nodiscard]] bool is_any() const noexcept { return text_ == "*"; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

    friend bool operator==(const OriginPattern&, const OriginPattern&) = default;

private:
    OriginPattern(std::string text, std::size_t star) : text_(std::move(text)), star_(star) {}

    std::string text_;  ///< in lower case
    std::size_t star_;  ///< where the first label is "*"; npos: nowhere
};

}  // namespace sluicegate::config
