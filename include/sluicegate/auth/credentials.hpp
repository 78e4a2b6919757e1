#pragma once
/// Finds the API key of a request: it must be in one or several of four header fields, and the same
/// in all of them.
///
/// Source  RFC 9110 11.4 and 11.6.2; docs of the OpenAI (Authorization), Azure (api-key), Anthropic
///         (x-api-key) and Gemini (x-goog-api-key) SDKs.

#include "sluicegate/base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluicegate::auth {

/// The longest key that is accepted, in bytes. Keys of providers have at most about 200.
inline constexpr std::size_t key_bytes_max = 512;
/// More lines with a credential than any client sends; a request with more is refused.
inline constexpr std::size_t credential_lines_max = 8;

enum class CredentialField : std::uint8_t { authorization, api_key, x_api_key, x_goog_api_key };

/// The lines of the credential fields of one request, without white space around their values. They
/// are views into the request's head, which must outlive this object.
class PresentedCredentials {
public:
    struct Line {
        CredentialField field;
        std::string_view value;
    };

    /// Records a header field if it is one of the four (in any case). True if it is.
    bool take(std::string_view name, std::string_view value) noexcept;

    [[nodiscard]] const Line* begin() const noexcept { return lines_.data(); }
    [[nodiscard]] const Line* end() const noexcept { return lines_.data() + size_; }
    /// There were more than credential_lines_max.
    [[nodiscard]] bool is_overfull() const noexcept { return is_overfull_; }

private:
    std::array<Line, credential_lines_max> lines_;
    std::size_t size_ = 0;
    bool is_overfull_ = false;
};

/// The key, a view into the request: 1 to key_bytes_max visible ASCII characters.
///
/// Errors  missing_api_key: no field, or none that holds anything (an SDK with an empty key sends
///         `Bearer` alone). different_api_keys: two fields or lines do not hold the same key; the
///         subject names the fields. invalid_authorization_header: a scheme other than Bearer, a
///         key outside the bounds above, or too many lines. No error contains any part of a
///         credential.
[[nodiscard]] Result<std::string_view> credential_of(const PresentedCredentials& presented);

}  // namespace sluicegate::auth
